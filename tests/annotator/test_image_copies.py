"""Copies of reference images: who gets one and when, that it looks like any image, and that no number knows of it."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotator.models import (
    Agreement,
    Assignment,
    AssignmentState,
    Image,
    ImageCopy,
    Mask,
    MaskTiming,
    Person,
    Project,
    RejectReason,
    ReviewOutcome,
    SkipReason,
)
from annotator.queries.agreements import people_scores
from annotator.queries.image_counts import image_counts
from annotator.queries.mask_checks import counts_by_check, num_unchecked
from annotator.queries.model_history import project_rounds
from annotator.queries.project_summaries import project_summaries
from annotator.queries.quality import people_quality, review_totals
from annotator.queries.replays import replay_cases, team_pace
from annotator.queries.scope import visible_projects
from annotator.queries.throughput.numbers import throughput
from annotator.queries.throughput.period import period_of
from annotator.queries.training_sets import held_out_masks, new_since_last_round, snapshot_masks
from annotator.services.agreements import compare_due_copies
from annotator.services.assignments import lease_next, reopen, skip, submit
from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS
from annotator.services.image_changes import ImageChanges, change_image
from annotator.services.mask_checks import check_due_masks
from annotator.services.mask_history import revision_of
from annotator.services.people import remove_member
from annotator.services.projects import ProjectChanges, change_project
from annotator.services.reviews import Decision, decide
from tests.api.test_role_matrix import MATRIX
from tests.cast import (
    Browser,
    Cast,
    accepted_mask,
    counts,
    lend,
    make_embedding,
    make_image,
    make_model,
    save_body,
)
from tests.database_fixtures import browser

__all__ = ["browser"]
Browsers = Callable[[str], Browser]


def handed_in(cast: Cast, person: Person | None = None) -> Image:
    """An image that Bob masked and handed in."""
    image, person = make_image(cast.project), person or cast.bob
    now = timezone.now()
    Assignment.objects.create(
        image=image,
        annotator=person,
        state=AssignmentState.SUBMITTED,
        leased_at=now - timedelta(hours=2),
        expires_at=now - timedelta(hours=1),
        ended_at=now - timedelta(hours=1),
    )
    revision_of(accepted_mask(image, person)).save()
    return image


def reference(cast: Cast) -> Image:
    image = handed_in(cast)
    change_image(image=image, changes=ImageChanges(is_reference=True), by=cast.carol)
    return image


def lend_references(cast: Cast, *, every: int, shows: bool = False) -> None:
    changes = ProjectChanges(reference_every=every, shows_reference_scores=shows)
    change_project(project=cast.project, changes=changes, by=cast.carol)


def next_of(person: Person, project: Project) -> Assignment | None:
    """The person's next image, handed in at once."""
    leases = lease_next(person=person, project=project)
    return submit(assignment=leases[0]) if leases else None


def is_copy(assignment: Assignment | None) -> bool:
    return ImageCopy.objects.filter(image_id=assignment and assignment.image_id).exists()


def save(
    who: Browser, assignment: Assignment, mask: str, *, grown: int, version: int | None = None
) -> None:
    picture = assignment.image.picture
    encoded = {"size": [picture.height, picture.width], "counts": counts(grown=grown)}
    body = save_body(assignment, state="accepted", rle=encoded)
    reply = who.save(mask, body, version=version)
    assert reply.status_code in {200, 201}, reply.content


of_each_kind = pytest.mark.parametrize("copy", ["reference", "agreement"], indirect=True)


# ---- who gets one, and when ----------------------------------------------------------------------


def test_every_so_manieth_image_is_a_reference_once(cast: Cast) -> None:
    first, second = reference(cast), reference(cast)
    for _ in range(9):
        make_image(cast.project)
    lend_references(cast, every=3)
    lent = [next_of(cast.alice, cast.project) for _ in range(11)]
    assert [is_copy(one) for one in lent] == [False, False, True, False, False, True, *[False] * 5]
    originals = [copy.original_id for copy in ImageCopy.objects.order_by("created_at")]
    assert originals == [first.id, second.id]
    assert next_of(cast.alice, cast.project) is None


def test_images_fetched_ahead_count_and_are_lent_in_their_order(cast: Cast) -> None:
    reference(cast)
    for _ in range(5):
        make_image(cast.project)
    lend_references(cast, every=3)
    lent = lease_next(person=cast.alice, project=cast.project, ahead=3)
    assert [is_copy(one) for one in lent] == [False, False, True, False]
    again = lease_next(person=cast.alice, project=cast.project, ahead=3)
    assert [one.id for one in again] == [one.id for one in lent]


def test_nobody_gets_a_reference_they_know(cast: Cast) -> None:
    image = reference(cast)
    for _ in range(6):
        make_image(cast.project)
    lend_references(cast, every=2)
    by_bob = [next_of(cast.bob, cast.project) for _ in range(2)]
    assert not any(is_copy(one) for one in by_bob), "it is his own work"
    mask = Mask.objects.get(image=image)
    mask.version += 1
    revision_of(mask, by=cast.carol).save()
    by_carol = [next_of(cast.carol, cast.project) for _ in range(2)]
    assert not any(is_copy(one) for one in by_carol), "she corrected it"
    by_alice = [next_of(cast.alice, cast.project) for _ in range(2)]
    assert [is_copy(one) for one in by_alice] == [False, True]


def test_only_what_comes_after_the_setting_counts(cast: Cast) -> None:
    reference(cast)
    for _ in range(5):
        make_image(cast.project)
    next_of(cast.alice, cast.project)
    next_of(cast.alice, cast.project)
    lend_references(cast, every=3)
    assert [is_copy(next_of(cast.alice, cast.project)) for _ in range(3)] == [False, False, True]
    lend_references(cast, every=0)
    assert not is_copy(lend(cast.alice, cast.project))


def test_a_copy_needs_the_embedding_that_any_image_needs(cast: Cast) -> None:
    image = reference(cast)
    model = make_model()
    for _ in range(4):
        make_embedding(make_image(cast.project), model)
    lend_references(cast, every=2)
    assert not any(is_copy(next_of(cast.alice, cast.project)) for _ in range(2))
    make_embedding(image, model)
    copy = next_of(cast.alice, cast.project)
    assert is_copy(copy) and copy is not None and copy.model_version == model


def test_a_copy_whose_lease_ran_out_comes_again(cast: Cast) -> None:
    reference(cast)
    for _ in range(4):
        make_image(cast.project)
    lend_references(cast, every=2)
    next_of(cast.alice, cast.project)
    copy = lend(cast.alice, cast.project)
    assert is_copy(copy)
    Assignment.objects.filter(id=copy.id).update(
        leased_at=timezone.now() - timedelta(hours=2),
        expires_at=timezone.now() - timedelta(hours=1),
    )
    assert lend(cast.alice, cast.project).id == copy.id


def test_what_a_reviewer_returned_comes_before_a_copy(cast: Cast) -> None:
    reference(cast)
    for _ in range(3):
        make_image(cast.project)
    lend_references(cast, every=2)
    own = next_of(cast.alice, cast.project)
    assert own is not None
    mask = accepted_mask(own.image, cast.alice)
    why = Decision(uuid.uuid4(), 1, ReviewOutcome.REJECTED, RejectReason.MISSING_PART)
    assert decide(mask=mask, decision=why, by=cast.carol).returned
    assert lend(cast.alice, cast.project).id == own.id
    submit(assignment=own)
    assert is_copy(lend(cast.alice, cast.project))


def test_removed_unmarked_and_reopened_references_are_not_lent(cast: Cast) -> None:
    removed, unmarked, reopened = (reference(cast) for _ in range(3))
    for _ in range(4):
        make_image(cast.project)
    lend_references(cast, every=2)
    change_image(image=removed, changes=ImageChanges(removed=True), by=cast.carol)
    change_image(image=unmarked, changes=ImageChanges(is_reference=False), by=cast.carol)
    reopen(assignment=reopened.assignments.get())
    assert not any(is_copy(next_of(cast.alice, cast.project)) for _ in range(3))


def test_an_archived_project_lends_no_copy(cast: Cast) -> None:
    reference(cast)
    make_image(cast.project)
    lend_references(cast, every=2)
    next_of(cast.alice, cast.project)
    changes = ProjectChanges(archived=True)
    project = change_project(project=cast.project, changes=changes, by=cast.carol)
    assert next_of(cast.alice, project) is None


# ---- it looks like any image ---------------------------------------------------------------------


@pytest.fixture
def copy(cast: Cast, request: pytest.FixtureRequest) -> Assignment:
    """Alice's copy of a reference of Bob's, lent now; or of an image that both are to mask."""
    if getattr(request, "param", "reference") == "reference":
        reference(cast)
        make_image(cast.project)
        lend_references(cast, every=2)
        next_of(cast.alice, cast.project)
    else:
        handed_in(cast)
        make_image(cast.project)
        changes = ProjectChanges(agreement_percent=100)
        change_project(project=cast.project, changes=changes, by=cast.carol)
    lent = lend(cast.alice, cast.project)
    assert is_copy(lent)
    return lent


@of_each_kind
def test_a_copy_looks_like_an_image_of_the_project_without_masks(
    cast: Cast, browser: Browsers, copy: Assignment
) -> None:
    alice = browser("alice")
    told = alice.post(f"projects/{cast.project.id}/assignments/next").json()["assignment"]
    assert told["id"] == str(copy.id)
    assert told["image"]["project"] == str(cast.project.id)
    assert told["image"]["is_reference"] is False
    assert (told["image"]["num_masks"], told["image"]["state"]) == (0, "in_progress")
    assert alice.get(f"images/{copy.image_id}").json() == told["image"]
    assert alice.get(f"images/{copy.image_id}/masks").json() == {"masks": []}
    assert alice.get(f"assignments/{copy.id}").status_code == 200
    assert alice.post(f"assignments/{copy.id}/renew").status_code == 200


def test_masks_of_a_copy_are_saved_deleted_and_restored_as_any(
    browser: Browsers, copy: Assignment
) -> None:
    alice, mask = browser("alice"), str(uuid.uuid4())
    save(alice, copy, mask, grown=0)
    save(alice, copy, mask, grown=2, version=1)
    turn = {"save_id": str(uuid.uuid4())}
    assert alice.send("DELETE", f"masks/{mask}", turn, If_Match='"2"').status_code == 200
    turn = {"save_id": str(uuid.uuid4())}
    assert alice.post(f"masks/{mask}/restore", turn, If_Match='"3"').status_code == 200
    acts = {
        "assignment": str(copy.id),
        "page": str(uuid.uuid4()),
        "interactions": [
            {"id": str(uuid.uuid4()), "seq": 1, "kind": "open", "at_ms": 1.0, "detail": {}}
        ],
    }
    assert alice.post("interactions", acts).json()["stored"] == 1
    assert alice.post(f"assignments/{copy.id}/submit").status_code == 200
    assert alice.post(f"assignments/{copy.id}/reopen").status_code == 200


def test_one_finds_an_earlier_copy_again(cast: Cast, browser: Browsers, copy: Assignment) -> None:
    submit(assignment=copy)
    for path in ("assignments", f"assignments?project={cast.project.id}"):
        found = browser("alice").get(path).json()["assignments"]
        assert found[0]["id"] == str(copy.id)
        assert {one["image"]["project"] for one in found} == {str(cast.project.id)}
    elsewhere = browser("alice").get(f"assignments?project={cast.elsewhere.id}").json()
    assert elsewhere == {"assignments": []}


@pytest.mark.parametrize("who", ["bob", "carol", "mallory"])
def test_a_copy_is_nobody_elses(browser: Browsers, copy: Assignment, who: str) -> None:
    mask = str(uuid.uuid4())
    save(browser("alice"), copy, mask, grown=0)
    other = browser(who)
    hidden = copy.image.project_id
    for path in (f"images/{copy.image_id}", f"images/{copy.image_id}/masks", f"projects/{hidden}"):
        assert other.get(path).status_code == 404
    assert other.get(f"masks/{mask}/reviews").status_code == 404
    listed = other.get("projects").json()["projects"]
    assert str(hidden) not in {one["id"] for one in listed}


def test_whoever_leaves_the_project_leaves_their_copies(
    cast: Cast, browser: Browsers, copy: Assignment
) -> None:
    remove_member(project=cast.project, person=cast.alice, by=cast.carol)
    alice = browser("alice")
    assert alice.get(f"assignments/{copy.id}").status_code == 404
    assert alice.get(f"images/{copy.image_id}").status_code == 404
    assert alice.save(uuid.uuid4(), save_body(copy)).status_code == 404


# ---- no number knows of them ---------------------------------------------------------------------


def every_number(cast: Cast, browser: Browsers, now: Any) -> dict[str, object]:
    """What queries, exports and the API tell about the project and across projects."""
    project = Project.objects.get(id=cast.project.id)
    exports = {}
    for name, each in FORMATS.items():
        out = io.BytesIO()
        exports[name] = (each.write(Selection(project), out, lambda share: None), out.getvalue())
    people = (cast.bob, cast.carol, cast.dan)
    addresses = [
        row.address
        for row in MATRIX
        if row.method == "GET"
        and re.findall(r"{\w+}", row.address) == ["{project}"]
        and not any(word in row.address for word in ("throughput", "reference-scores", "agreement"))
    ] + ["projects", "models", "jobs"]
    return {
        "summaries": [
            project_summaries(person=one, projects=visible_projects(one)) for one in people
        ],
        "images": image_counts(project=project),
        "throughput": throughput(project=project, period=period_of("all", now=now)),
        "checks": (counts_by_check(project), num_unchecked(project)),
        "quality": (people_quality(project), review_totals(project)),
        "training": (snapshot_masks(project), held_out_masks(project)),
        "new": new_since_last_round(project),
        "replays": (replay_cases(), replay_cases(project), team_pace()),
        "rounds": project_rounds(projects=Project.objects.all(), now=now),
        "exports": exports,
        "api": {path: told(browser("dan"), path.format(project=project.id)) for path in addresses},
    }


def told(who: Browser, path: str) -> bytes:
    reply = who.get(path)
    assert reply.status_code == 200, path
    return reply.content


@pytest.mark.django_db(transaction=True)
@of_each_kind
def test_no_number_knows_of_a_copy(cast: Cast, browser: Browsers, copy: Assignment) -> None:
    real = Image.objects.filter(project=cast.project).latest("order_index")
    seen = accepted_mask(real, cast.alice)
    Mask.objects.filter(id=seen.id).update(prompts=[{"kind": "point", "x": 6, "y": 15, "label": 1}])
    timing: dict[str, Any] = {
        "active_ms": 9000.0,
        "prompting_ms": 4000.0,
        "waiting_ms": 1000.0,
        "painting_ms": 1000.0,
        "num_points": 3,
        "painted_px": 40,
    }
    MaskTiming.objects.create(mask=seen, version=1, **timing)
    check_due_masks(seconds=60)
    now = timezone.now() + timedelta(minutes=1)
    before = every_number(cast, browser, now)
    assert Mask.objects.count() == 2 and new_since_last_round(cast.project).num_masks == 2
    assert replay_cases() and team_pace().seconds_per_click, "there is something to be changed"
    alice = browser("alice")
    for grown in (0, 9):
        mask = str(uuid.uuid4())
        save(alice, copy, mask, grown=grown)
        MaskTiming.objects.update_or_create(
            mask_id=mask, version=1, defaults={**timing, "active_ms": 300.0, "num_points": 50}
        )
    given_up = save_body(copy, given_up=True, state="draft")
    assert alice.save(uuid.uuid4(), given_up).status_code == 201
    submit(assignment=copy)
    assert compare_due_copies(seconds=60) == 1
    check_due_masks(seconds=60)
    after = every_number(cast, browser, now)
    for name, value in before.items():
        assert after[name] == value, name


# ---- what the comparison finds -------------------------------------------------------------------


def test_a_copy_is_compared_once_it_is_handed_in(
    cast: Cast, browser: Browsers, copy: Assignment
) -> None:
    alice = browser("alice")
    save(alice, copy, str(uuid.uuid4()), grown=4)
    deleted = str(uuid.uuid4())
    save(alice, copy, deleted, grown=1)
    turn = {"save_id": str(uuid.uuid4())}
    assert alice.send("DELETE", f"masks/{deleted}", turn, If_Match='"1"').status_code == 200
    assert alice.save(uuid.uuid4(), save_body(copy)).status_code == 201, "a draft"
    assert compare_due_copies(seconds=60) == 0
    submit(assignment=copy)
    assert compare_due_copies(seconds=60) == 1
    assert compare_due_copies(seconds=60) == 0
    row = Agreement.objects.get()
    assert (row.num_matched, row.num_only_here, row.num_only_there) == (1, 0, 0)
    area = int(Mask.objects.filter(author=cast.bob).values_list("area", flat=True)[0])
    assert row.mean_iou == pytest.approx(area / (area + 4 * 4))
    assert row.mean_boundary_iou is not None and row.mean_boundary_iou <= row.mean_iou
    assert row.annotator == cast.alice


def test_what_was_handed_in_first_counts(cast: Cast, browser: Browsers, copy: Assignment) -> None:
    alice, mask = browser("alice"), str(uuid.uuid4())
    save(alice, copy, mask, grown=9)
    submit(assignment=copy)
    compare_due_copies(seconds=60)
    before = Agreement.objects.get().mean_iou
    reopen(assignment=copy)
    save(alice, copy, mask, grown=0, version=1)
    submit(assignment=copy)
    original = ImageCopy.objects.get().original
    change_image(image=original, changes=ImageChanges(is_reference=True), by=cast.carol)
    assert compare_due_copies(seconds=60) == 1, "marked again, it is compared again"
    assert Agreement.objects.get().mean_iou == before


def test_a_reference_that_was_corrected_is_compared_again_when_marked_again(
    cast: Cast, browser: Browsers, copy: Assignment
) -> None:
    save(browser("alice"), copy, str(uuid.uuid4()), grown=0)
    submit(assignment=copy)
    compare_due_copies(seconds=60)
    original = ImageCopy.objects.get().original
    accepted_mask(original, cast.bob)
    change_image(image=original, changes=ImageChanges(is_reference=True), by=cast.carol)
    compare_due_copies(seconds=60)
    (alice,) = people_scores(cast.project)
    assert (alice.scores.num_matched, alice.scores.num_missed) == (1, 1)
    change_image(image=original, changes=ImageChanges(removed=True), by=cast.carol)
    assert people_scores(cast.project) == []


def test_a_skipped_copy_has_no_score(cast: Cast, copy: Assignment) -> None:
    skip(assignment=copy, reason=SkipReason.UNCLEAR)
    assert compare_due_copies(seconds=60) == 0
    assert people_scores(cast.project) == []


def test_scores_of_several_images_weigh_each_pair_alike(cast: Cast) -> None:
    for pairs, iou in ((3, 0.9), (1, 0.5), (0, None)):
        hidden, _ = Project.with_hidden.get_or_create(
            copies_of=cast.project, copies_for=cast.alice, defaults={"name": "hidden"}
        )
        original = reference(cast)
        image = Image.objects.create(
            project=hidden, picture=original.picture, name="copy.png", order_index=0
        )
        Agreement.objects.create(
            copy=ImageCopy.objects.create(image=image, original=original, purpose="reference"),
            other=original,
            annotator=cast.alice,
            num_matched=pairs,
            num_only_here=2,
            num_only_there=1,
            mean_iou=iou,
            mean_boundary_iou=iou and iou / 2,
            handed_in_at=timezone.now(),
        )
    (alice,) = people_scores(cast.project)
    scores = alice.scores
    assert (scores.num_images, scores.num_matched, scores.num_missed, scores.num_extra) == (
        3,
        4,
        3,
        6,
    )
    assert scores.mean_iou == pytest.approx((3 * 0.9 + 0.5) / 4)
    assert scores.mean_boundary_iou == pytest.approx((3 * 0.45 + 0.25) / 4)
    assert scores.found_share == pytest.approx(4 / 7)
