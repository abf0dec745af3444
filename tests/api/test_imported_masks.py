"""Imported masks in the workbench: whoever works on one first takes it over; pace numbers leave it out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import Assignment, Mask, MaskOrigin, MaskRevision, MaskState, MaskTiming
from annotator.queries.project_summaries import project_summaries
from annotator.queries.scope import visible_projects
from annotator.queries.throughput.numbers import throughput
from annotator.queries.throughput.period import period_of
from annotator.services.mask_history import revision_of
from annotator.services.timing import recompute_timings, write_overdue_timings
from tests.cast import Browser, Cast, accepted_mask, counts, lend, make_image, save_body

Browsers = Callable[[str], Browser]


@pytest.fixture
def imported(cast: Cast, lent: Assignment) -> Mask:
    mask = accepted_mask(lent.image, cast.alice)
    mask.origin, mask.author = MaskOrigin.IMPORTED, None
    mask.accepted_at = timezone.now() - timedelta(days=3)
    mask.prompts = [{"kind": "imported", "annotation": "17"}]
    mask.save()
    revision_of(mask).save()
    return mask


def refined(lent: Assignment) -> dict[str, object]:
    picture = lent.image.picture
    rle = {"size": [picture.height, picture.width], "counts": counts(grown=3)}
    return save_body(lent, state="accepted", rle=rle)


def interact(browser: Browser, lent: Assignment, mask: Mask) -> None:
    """One look and one accept, 4 s apart on the page's clock."""
    acts = [("open", None, 0.0), ("point", str(mask.id), 3000.0), ("accept", str(mask.id), 4000.0)]
    sent = [
        {
            "id": str(uuid.uuid4()),
            "seq": number,
            "kind": kind,
            "mask": mask_id,
            "at_ms": at_ms,
            "detail": {},
        }
        for number, (kind, mask_id, at_ms) in enumerate(acts)
    ]
    body = {"assignment": str(lent.id), "page": str(uuid.uuid4()), "interactions": sent}
    assert browser.post("interactions", body).status_code < 300


def test_an_imported_mask_is_shown_with_its_origin(
    browser: Browsers, lent: Assignment, imported: Mask
) -> None:
    (shown,) = browser("alice").get(f"images/{lent.image_id}/masks").json()["masks"]
    assert (shown["origin"], shown["author"], shown["state"]) == ("imported", None, "accepted")


def test_whoever_refines_it_first_is_its_author(
    browser: Browsers, cast: Cast, lent: Assignment, imported: Mask
) -> None:
    reply = browser("alice").save(imported.id, refined(lent), version=1)
    assert reply.status_code == 200
    mask = Mask.objects.get()
    assert (mask.author, mask.origin, mask.version) == (cast.alice, "imported", 2)
    assert mask.accepted_at > imported.accepted_at
    assert list(mask.revisions.order_by("version").values_list("version", "author")) == [
        (1, None),
        (2, cast.alice.id),
    ]
    make_image(cast.project)
    bobs = lend(cast.bob, cast.project)
    body = save_body(bobs, image=str(lent.image_id), assignment=str(bobs.id))
    assert browser("bob").save(imported.id, body, version=2).status_code == 404


def test_it_is_deleted_and_restored_by_who_holds_the_image(
    browser: Browsers, cast: Cast, lent: Assignment, imported: Mask
) -> None:
    turn = {"save_id": str(uuid.uuid4())}
    gone = browser("alice").send("DELETE", f"masks/{imported.id}", turn, If_Match='"1"')
    assert (gone.status_code, gone.json()["state"]) == (200, "deleted")
    turn = {"save_id": str(uuid.uuid4())}
    back = browser("alice").post(f"masks/{imported.id}/restore", turn, If_Match='"2"')
    assert (back.status_code, back.json()["state"]) == (200, "accepted")
    mask = Mask.objects.get()
    assert (mask.counts, mask.author, mask.origin) == (imported.counts, cast.alice, "imported")


@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("mallory", 404), ("carol", 200)])
def test_others_leave_it_alone_but_managers_may_delete_it(
    browser: Browsers, imported: Mask, name: str, status: int
) -> None:
    turn = {"save_id": str(uuid.uuid4())}
    reply = browser(name).send("DELETE", f"masks/{imported.id}", turn, If_Match='"1"')
    assert reply.status_code == status
    assert Mask.objects.get().state == (MaskState.DELETED if status == 200 else MaskState.ACCEPTED)


def test_the_refining_has_its_time_and_the_import_has_none(
    browser: Browsers, lent: Assignment, imported: Mask
) -> None:
    alice = browser("alice")
    assert write_overdue_timings() == 0
    alice.save(imported.id, refined(lent), version=1)
    assert write_overdue_timings() == 0, "its log may still be on its way"
    interact(alice, lent, imported)
    timing = MaskTiming.objects.get()
    assert (timing.version, timing.active_ms, timing.flagged) == (2, 4000.0, "")
    assert recompute_timings() == (1, [])


def test_numbers_of_pace_know_only_masks_made_here(
    browser: Browsers, cast: Cast, lent: Assignment, imported: Mask
) -> None:
    alice = browser("alice")
    alice.save(imported.id, refined(lent), version=1)
    interact(alice, lent, imported)
    numbers = throughput(project=cast.project, period=period_of("all", now=timezone.now()))
    assert (numbers.masks, numbers.imported, numbers.whole.work.timed_masks) == (0, 1, 0)
    assert (numbers.hours[-1].masks, numbers.whole.latency.decodes) == (0, 0)
    assert numbers.by_person == numbers.by_day == numbers.by_model == []
    accepted_mask(lent.image, cast.alice)
    numbers = throughput(project=cast.project, period=period_of("all", now=timezone.now()))
    assert (numbers.masks, numbers.imported, numbers.hours[-1].masks) == (1, 1, 1)
    (summary,) = project_summaries(person=cast.alice, projects=visible_projects(cast.alice))
    assert summary.masks == 2, "the project's masks, wherever they came from"
    assert MaskRevision.objects.filter(author=None).count() == 1
