"""What admins do on the models and system pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from annotator.models import Job, JobKind, JobState, ModelVersion, Person, Round, SignInLink
from annotator.queries.model_versions import current_model_version
from annotator.services.workers import storage_place
from tests.cast import Cast, accepted_mask, make_embedding, make_image, make_model
from tests.comparisons import (
    BEST,
    candidate_of,
    case,
    compared,
    comparison,
    difference,
    held_out_mask,
)
from tests.pages.conftest import Visitors

# The same in every process: parallel workers compare the names of tests.
NOBODYS_ID = "7d3c1f52-4a86-4b0e-9d55-0c8e2b7a6f19"


def scored_candidate(base: ModelVersion, *, before: float, after: float) -> ModelVersion:
    model = candidate_of(base, comparison(held_out_capped=difference(before, after)))
    model.scores = {
        "held_out": {
            "before": {"miou_at": {"1": before, "3": before}, "num_masks": 4},
            "after": {"miou_at": {"1": after, "3": after}, "num_masks": 4},
        }
    }
    model.save()
    return model


def test_a_better_candidate_is_promoted_and_rolled_back(visitor: Visitors, cast: Cast) -> None:
    base = make_model()
    better = scored_candidate(base, before=0.61, after=0.724)
    dan = visitor("dan")
    shown = dan.get("/models").text
    assert "0.724" in shown
    assert "+0.114" in shown
    reply = dan.post(f"/models/{better.id}/promote", {"expected_current": str(base.id)})
    assert (reply.status_code, current_model_version()) == (302, better)
    assert dan.post("/models/roll-back").status_code == 302
    assert current_model_version() == base


def test_a_worse_candidate_needs_a_deliberate_second_word(visitor: Visitors, cast: Cast) -> None:
    base = make_model()
    worse = scored_candidate(base, before=0.7, after=0.6)
    dan, path = visitor("dan"), f"/models/{worse.id}/promote"
    assert "Promote although worse" in dan.get("/models").text
    refused = dan.post(path, {"expected_current": str(base.id)})
    assert (refused.status_code, current_model_version()) == (409, base)
    override = {"expected_current": str(base.id), "override": "yes"}
    silent = dan.post(path, override)
    assert (silent.status_code, current_model_version()) == (422, base)
    assert "Say why a candidate that is worse shall be used." in silent.text
    dan.post(path, {**override, "reason": "The held-out masks <were> wrong"})
    assert current_model_version() == worse
    assert "The held-out masks &lt;were&gt; wrong" in dan.get("/models").text


def test_a_version_is_shown_beside_the_one_it_came_from(visitor: Visitors, cast: Cast) -> None:
    groups = {
        str(cast.project.id): {"first_capped": difference(0.5, 0.8)},
        str(cast.elsewhere.id): {"first_capped": difference(0.7, 0.69, half=None)},
    }
    stored = comparison(
        first_capped=difference(0.6, 0.8),
        clicks=difference(2.8, 2.3),
        unpainted_share=difference(0.1, 0.35),
        groups=groups,
    )
    stored["cases"] = [case("best", str(cast.project.id)), case("worst", str(cast.elsewhere.id))]
    shown = visitor("dan").get(f"/models/{candidate_of(make_model(), stored).id}").text
    for text in (
        "Better than compact",
        "Replay: IoU up to 0.90 after the first click rises from 0.600 to 0.800.",
        "−0.51 to −0.49",  # the change with its interval, to the last digit
        "+25 points",
        "Harbour",
        "Elsewhere",
        f"/pictures/{BEST}",
        "of 1.4 s each",
    ):
        assert text in shown, text
    assert shown.count('class="interval better"') == 4


def test_a_version_without_a_comparison_says_what_to_do(visitor: Visitors, cast: Cast) -> None:
    base = make_model()
    dan = visitor("dan")
    assert "This version was registered" in dan.get(f"/models/{base.id}").text
    shown = dan.get(f"/models/{candidate_of(base, {}).id}").text
    assert "Not proven" in shown and "Keep some images for scoring" in shown
    assert visitor("carol").get(f"/models/{base.id}").status_code == 403
    assert dan.get(f"/models/{NOBODYS_ID}").status_code == 404


def test_two_chosen_versions_are_shown_beside_each_other(visitor: Visitors, cast: Cast) -> None:
    old, new, dan = make_model(), make_model(promote=False), visitor("dan")
    for version, name in ((old, "the old <one>"), (new, "the new one")):
        version.name = name
        version.save()
    path = f"/models/compare?base={old.id}&candidate={new.id}"
    assert "Compare now" in dan.get(path).text
    found = comparison(first_capped=difference(0.6, 0.8), clicks=difference(2.8, 2.3))
    compared(old, new, found)
    shown = dan.get(path).text
    assert "Better than the old &lt;one&gt;" in shown and "−0.51 to −0.49" in shown
    assert "Better than" not in dan.get(f"/models/compare?base={new.id}&candidate={old.id}").text
    assert "Better than the old &lt;one&gt;" in dan.get(f"/models/{new.id}").text
    assert (
        "Choose two different versions"
        in dan.get(f"/models/compare?base={new.id}&candidate={new.id}").text
    )
    assert dan.get(f"/models/compare?base={NOBODYS_ID}&candidate={new.id}").status_code == 404
    assert dan.get("/models/compare?base=1&candidate=2").status_code == 200


def test_a_comparison_is_started_watched_and_stopped_on_the_page(
    visitor: Visitors, cast: Cast
) -> None:
    old, new, dan = make_model(), make_model(promote=False), visitor("dan")
    body, path = {"base": str(old.id), "candidate": str(new.id)}, "/models/compare"
    refused = dan.post(path, body)
    assert refused.status_code == 422 and "There is nothing to compare on" in refused.text
    held_out_mask(cast)
    assert dan.post(path, body).headers["Location"].startswith(f"{path}?base={old.id}")
    job = Job.objects.get(kind=JobKind.COMPARE)
    assert (
        "Waiting for a training worker" in dan.get(f"{path}?base={old.id}&candidate={new.id}").text
    )
    assert "Comparing compact with compact" in dan.get("/models").text
    assert dan.post(f"/models/jobs/{job.id}/cancel").status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    job.state, job.error = JobState.FAILED, "The weights <do not> fit"
    job.save()
    shown = dan.get(f"{path}?base={old.id}&candidate={new.id}").text
    assert "The weights &lt;do not&gt; fit" in shown and "Compare now" in shown


def test_a_checkpoint_is_chosen_and_registered_on_the_page(
    visitor: Visitors, cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    settings.CHECKPOINT_FOLDER = tmp_path
    dan = visitor("dan")
    assert f'into <code class="break">{tmp_path}</code>' in dan.get("/models").text
    (tmp_path / "sam_vit_l.pth").write_bytes(b"weights")
    shown = dan.get("/models").text
    assert '<option value="vit_l" selected>SAM ViT-L</option>' in shown
    body = {"file": "sam_vit_l.pth", "architecture": "vit_l"}
    assert dan.post("/models/register", body).status_code == 302
    assert "Registering sam_vit_l.pth" in dan.get("/models").text
    twice = dan.post("/models/register", body)
    assert twice.status_code == 409 and "sam_vit_l.pth is being registered." in twice.text
    job = Job.objects.get(kind=JobKind.REGISTER)
    job.state, job.error = JobState.FAILED, "It <does> not fit"
    job.save()
    assert "It &lt;does&gt; not fit" in dan.get("/models").text


def test_promoting_from_an_old_page_is_refused(visitor: Visitors, cast: Cast) -> None:
    seen, promoted_meanwhile = make_model(), make_model()
    reply = visitor("dan").post(
        f"/models/{make_model(promote=False).id}/promote", {"expected_current": str(seen.id)}
    )
    assert reply.status_code == 409
    assert "Another version was promoted meanwhile." in reply.text
    assert current_model_version() == promoted_meanwhile


def test_a_schedule_is_kept_with_its_settings(visitor: Visitors, cast: Cast) -> None:
    dan, fields = visitor("dan"), {"project": str(cast.project.id), "steps": "7", "hour": "3"}
    fields["training_masks"] = "new"
    assert dan.post("/models/rounds/schedule", {**fields, "kind": "weekly"}).status_code == 422
    assert dan.post("/models/rounds/schedule", {**fields, "kind": "nightly"}).status_code == 302
    shown = dan.get("/models").text
    assert "Starts by itself every night at 3:00 UTC." in shown
    assert 'name="steps" min="1" max="1000000" value="7"' in shown
    assert '<option value="new" selected>new masks only' in shown
    never = {**fields, "kind": "nightly", "training_masks": "earlier"}
    assert "for comparison" in dan.post("/models/rounds/schedule", never).text
    assert visitor("carol").post("/models/rounds/schedule", fields).status_code == 403


def test_a_round_without_new_masks_is_refused_with_its_reason(
    visitor: Visitors, cast: Cast
) -> None:
    make_model()
    dan = visitor("dan")
    assert "disabled>Retrain on the new masks now" in dan.get("/models").text
    reply = dan.post("/models/rounds/start", {"project": str(cast.project.id)})
    assert reply.status_code == 422
    assert "Nothing was accepted since the last round." in reply.text


def test_a_round_is_started_from_another_version(visitor: Visitors, cast: Cast) -> None:
    in_use, other = make_model(), make_model(promote=False)
    accepted_mask(make_image(cast.project), cast.alice)
    dan = visitor("dan")
    assert f'<option value="{other.id}">' in dan.get("/models").text
    fields = {"project": str(cast.project.id), "start_from": str(other.id)}
    assert dan.post("/models/rounds/start", fields).status_code == 302
    started = Round.objects.get()
    assert (started.base, started.origin) == (in_use, other)


@pytest.mark.parametrize(
    "chosen",
    [
        {"steps": "0"},
        {"minutes": "nan"},
        {"training_masks": "old"},
        {"start_from": "vit_h"},
    ],
)
def test_settings_of_a_round_that_make_no_sense_are_refused(
    visitor: Visitors, cast: Cast, chosen: dict[str, str]
) -> None:
    make_model()
    fields = {"project": str(cast.project.id), **chosen}
    assert visitor("dan").post("/models/rounds/start", fields).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/models/roll-back",
        "/models/rounds/start",
        "/models/register",
        f"/models/{NOBODYS_ID}/promote",
        f"/models/rounds/{NOBODYS_ID}/cancel",
        f"/models/jobs/{NOBODYS_ID}/cancel",
        "/system/people",
        f"/system/people/{NOBODYS_ID}/link",
        f"/system/people/{NOBODYS_ID}/active",
        f"/system/jobs/{NOBODYS_ID}/retry",
    ],
)
def test_only_admins_act_on_the_admin_pages(visitor: Visitors, path: str) -> None:
    assert visitor("carol").post(path).status_code == 403
    assert visitor("nobody").post(path).status_code == 302
    assert visitor("dan").get(path).status_code == 405


def test_a_new_person_gets_a_link_that_is_shown_once(visitor: Visitors, cast: Cast) -> None:
    dan = visitor("dan")
    shown = dan.post("/system/people", {"name": "erin", "display_name": "Erin <i>"}).text
    assert "/link/" in shown
    assert "Erin &lt;i&gt;" in shown
    assert SignInLink.objects.get().person == Person.objects.get(name="erin")
    assert "/link/" not in dan.get("/system").text


@pytest.mark.parametrize(("name", "status"), [("ALICE", 409), ("", 422), ("two words", 422)])
def test_a_name_that_is_taken_or_none_is_refused(visitor: Visitors, name: str, status: int) -> None:
    assert visitor("dan").post("/system/people", {"name": name}).status_code == status
    assert Person.objects.count() == 5


def test_a_deactivated_person_is_out_at_once_and_can_come_back(
    visitor: Visitors, cast: Cast
) -> None:
    alice, dan = visitor("alice"), visitor("dan")
    path = f"/system/people/{cast.alice.id}/active"
    dan.post(path, {"active": "no"})
    assert alice.get("/").status_code == 302
    dan.post(path, {"active": "yes"})
    assert alice.get("/").status_code == 200
    own = dan.post(f"/system/people/{cast.dan.id}/active", {"active": "no"})
    assert (own.status_code, Person.objects.get(name="dan").is_active) == (409, True)


def test_a_failed_embedding_is_shown_with_its_error_and_tried_again(
    visitor: Visitors, cast: Cast
) -> None:
    failed = Job.objects.create(
        kind=JobKind.EMBED,
        subject="embeddings/e/harbour.emb",
        state=JobState.FAILED,
        error="The picture <of the quay> cannot be read.",
        finished_at=timezone.now(),
        attempt=3,
    )
    dan = visitor("dan")
    assert "The picture &lt;of the quay&gt; cannot be read." in dan.get("/system").text
    assert dan.post(f"/system/jobs/{failed.id}/retry").status_code == 302
    again = Job.objects.exclude(id=failed.id).get()
    assert (again.subject, again.state) == (failed.subject, JobState.QUEUED)
    assert "cannot be read" not in dan.get("/system").text


def test_what_runs_and_what_is_stored_is_shown(
    visitor: Visitors, cast: Cast, settings: Settings, own_storage: Path
) -> None:
    make_embedding(make_image(cast.project), make_model())
    dan = visitor("dan")
    shown = dan.get("/system").text
    assert "Nothing runs now." in shown and str(own_storage) in shown
    assert "uploads are refused" not in shown
    assert (
        '<span class="quiet">embeddings</span> 1\xa0byte <span class="small quiet">in 1 file'
        in shown
    )
    Job.objects.create(
        kind=JobKind.COMPARE,
        subject="two versions",
        state=JobState.RUNNING,
        progress=0.25,
        message="Scoring <both>: 5 of 20",
        heartbeat_at=timezone.now(),
    )
    settings.STORAGE_RESERVE_BYTES = 2**60
    shown = dan.get("/system").text
    assert "Scoring &lt;both&gt;: 5 of 20" in shown and "25 %" in shown
    assert "free: uploads are refused, saves go on" in shown


def test_the_place_of_files_is_shown_without_its_secrets(settings: Settings) -> None:
    settings.STORAGE_URL = "s3://key:secret@bucket/masks"
    assert storage_place() == "s3://bucket/masks"


def test_a_failed_training_is_not_started_behind_the_back_of_its_round(
    visitor: Visitors, cast: Cast
) -> None:
    failed = Job.objects.create(
        kind=JobKind.TRAIN,
        subject=str(cast.project.id),
        state=JobState.FAILED,
        finished_at=timezone.now(),
    )
    assert visitor("dan").post(f"/system/jobs/{failed.id}/retry").status_code == 409
    assert Job.objects.count() == 1
