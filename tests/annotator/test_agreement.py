"""Images that several people mask on their own: who gets which, and how far they agree."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from annotator.models import (
    Agreement,
    Assignment,
    AssignmentState,
    Image,
    ImageCopy,
    Mask,
    MaskOrigin,
    Person,
    SkipReason,
)
from annotator.queries.agreements import people_scores
from annotator.queries.annotator_agreement import annotator_agreements, pair_lines, week_lines
from annotator.queries.image_copies import of_share
from annotator.services.agreements import compare_due_copies
from annotator.services.assignments import lease_next, skip, submit
from annotator.services.image_changes import ImageChanges, change_image
from annotator.services.mask_history import revision_of
from annotator.services.projects import ProjectChanges, change_project
from tests.cast import Browser, Cast, accepted_mask, counts, lend, make_image, save_body
from tests.database_fixtures import browser

__all__ = ["browser"]
Browsers = Callable[[str], Browser]


def share(cast: Cast, *, people: int = 2, percent: int = 100) -> None:
    changes = ProjectChanges(agreement_percent=percent, agreement_people=people)
    change_project(project=cast.project, changes=changes, by=cast.carol)


def original_of(assignment: Assignment) -> Image:
    copy = ImageCopy.objects.filter(image_id=assignment.image_id).first()
    return copy.original if copy else assignment.image


def is_copy(assignment: Assignment) -> bool:
    return assignment.image.project.copies_of_id is not None


def work(cast: Cast, person: Person, num: int) -> list[Assignment]:
    """The person's next images, each handed in at once."""
    return [submit(assignment=lend(person, cast.project)) for _ in range(num)]


def mask(who: Browser, assignment: Assignment, *grown: int) -> None:
    """Accepts a mask for each number of columns by which the L is wider."""
    picture = assignment.image.picture
    for one in grown:
        encoded = {"size": [picture.height, picture.width], "counts": counts(grown=one)}
        body = save_body(assignment, state="accepted", rle=encoded)
        assert who.save(uuid.uuid4(), body).status_code == 201


# ---- who gets which ------------------------------------------------------------------------------


def test_content_decides_and_a_larger_share_contains_the_smaller(cast: Cast) -> None:
    for _ in range(150):
        make_image(cast.project)
    found = {
        percent: set(Image.objects.filter(of_share(percent)).values_list("id", flat=True))
        for percent in (0, 20, 50, 100)
    }
    assert found[0] == set()
    assert found[20] < found[50] < found[100]
    assert len(found[100]) == 150
    assert 45 <= len(found[50]) <= 105, "seven standard deviations are over 100"
    lowest = Image.objects.order_by("picture_id").first()
    assert lowest is not None and lowest.id in found[20]


def test_another_person_gets_a_copy_of_what_the_first_has(cast: Cast) -> None:
    images = [make_image(cast.project) for _ in range(4)]
    share(cast)
    by_alice = [original_of(one) for one in work(cast, cast.alice, 2)]
    assert by_alice == images[:2]
    by_bob = work(cast, cast.bob, 4)
    assert [original_of(one) for one in by_bob] == [images[0], images[2], images[1], images[3]]
    assert [is_copy(one) for one in by_bob] == [True, False, True, False]
    by_alice = work(cast, cast.alice, 2)
    assert [original_of(one) for one in by_alice] == images[2:], "nothing else is free"
    assert all(is_copy(one) for one in by_alice)
    for person in (cast.alice, cast.bob, cast.carol):
        assert not lease_next(person=person, project=cast.project), "two are enough"


def test_so_many_people_get_it_and_who_skipped_is_one_of_them(cast: Cast) -> None:
    image = make_image(cast.project)
    share(cast, people=3)
    work(cast, cast.alice, 1)
    skip(assignment=lend(cast.bob, cast.project), reason=SkipReason.UNCLEAR)
    assert original_of(lend(cast.carol, cast.project)) == image
    assert not lease_next(person=cast.dan, project=cast.project)


def test_a_copy_that_nobody_holds_any_more_leaves_room(cast: Cast) -> None:
    image = make_image(cast.project)
    share(cast)
    work(cast, cast.alice, 1)
    run_out(lend(cast.bob, cast.project))
    assert original_of(lend(cast.carol, cast.project)) == image
    again = lend(cast.bob, cast.project)
    assert is_copy(again), "he goes on where he was"


def run_out(assignment: Assignment) -> None:
    past = timezone.now() - timedelta(hours=2)
    Assignment.objects.filter(id=assignment.id).update(
        leased_at=past,
        expires_at=past + timedelta(hours=1),
        state=AssignmentState.EXPIRED,
        ended_at=past,
    )


def test_whoever_has_the_copy_never_gets_the_original(cast: Cast) -> None:
    make_image(cast.project)
    share(cast)
    first = lend(cast.alice, cast.project)
    assert is_copy(work(cast, cast.bob, 1)[0])
    run_out(first)
    assert not lease_next(person=cast.bob, project=cast.project)
    assert lend(cast.alice, cast.project).id == first.id


def test_images_outside_the_share_and_imported_ones_are_one_persons(cast: Cast) -> None:
    imported = make_image(cast.project)
    accepted = accepted_mask(imported, cast.carol)
    Mask.objects.filter(id=accepted.id).update(origin=MaskOrigin.IMPORTED, author=None)
    share(cast)
    work(cast, cast.alice, 1)
    assert not lease_next(person=cast.bob, project=cast.project)
    make_image(cast.project)
    share(cast, percent=0)
    work(cast, cast.alice, 1)
    assert not lease_next(person=cast.bob, project=cast.project)


def test_removed_images_are_not_lent_again(cast: Cast) -> None:
    image = make_image(cast.project)
    share(cast)
    work(cast, cast.alice, 1)
    change_image(image=image, changes=ImageChanges(removed=True), by=cast.carol)
    assert not lease_next(person=cast.bob, project=cast.project)


# ---- how far they agree --------------------------------------------------------------------------


@pytest.fixture
def by_three(cast: Cast, browser: Browsers) -> Image:
    """Alice made masks 0 and 16 wider, Bob one 0 wider, Carol one 4 wider; Bob was the last to hand in."""
    image = make_image(cast.project)
    share(cast, people=3)
    alice = lend(cast.alice, cast.project)
    bob, carol = lend(cast.bob, cast.project), lend(cast.carol, cast.project)
    mask(browser("alice"), alice, 0, 16)
    mask(browser("bob"), bob, 0)
    mask(browser("carol"), carol, 4)
    for one, num in ((carol, 0), (alice, 1), (bob, 2)):
        submit(assignment=one)
        assert compare_due_copies(seconds=60) == num
    assert compare_due_copies(seconds=60) == 0
    return image


def test_every_two_of_them_are_compared_once(cast: Cast, by_three: Image) -> None:
    found = {
        frozenset((row.annotator.name, row.other_annotator.name)): row
        for row in Agreement.objects.select_related("annotator", "other_annotator")
        if row.other_annotator
    }
    assert len(found) == Agreement.objects.count() == 3
    area = int(Mask.objects.filter(author=cast.bob).values_list("area", flat=True)[0])
    bob_alice = found[frozenset(("alice", "bob"))]
    assert (bob_alice.num_matched, bob_alice.num_only_here, bob_alice.num_only_there) == (1, 0, 1)
    assert bob_alice.mean_iou == 1
    bob_carol = found[frozenset(("bob", "carol"))]
    assert (bob_carol.num_matched, bob_carol.num_only_here, bob_carol.num_only_there) == (1, 0, 0)
    assert bob_carol.mean_iou == pytest.approx(area / (area + 16))
    assert people_scores(cast.project) == [], "they are no scores"


def test_a_reviewers_correction_is_nobodys_own_work(cast: Cast, browser: Browsers) -> None:
    make_image(cast.project)
    share(cast)
    alice = lend(cast.alice, cast.project)
    mask(browser("alice"), alice, 0)
    submit(assignment=alice)
    corrected = Mask.objects.get()
    corrected.version += 1
    corrected.counts = counts(grown=16)
    corrected.save()
    revision_of(corrected, by=cast.carol).save()
    bob = lend(cast.bob, cast.project)
    mask(browser("bob"), bob, 0)
    submit(assignment=bob)
    compare_due_copies(seconds=60)
    assert Agreement.objects.get().mean_iou == 1


def test_pairs_and_weeks_count_each_comparison(
    cast: Cast, browser: Browsers, by_three: Image
) -> None:
    monday = datetime(2026, 11, 16, 0, 30, tzinfo=UTC)
    rows = list(Agreement.objects.order_by("id"))
    for row, (matched, iou, at) in zip(
        rows,
        [
            (1, 1.0, monday),
            (3, 0.8, monday + timedelta(days=6)),
            (2, 0.6, monday - timedelta(hours=1)),
        ],
        strict=True,
    ):
        Agreement.objects.filter(id=row.id).update(
            num_matched=matched, mean_iou=iou, mean_boundary_iou=iou / 2, handed_in_at=at
        )
    weeks = week_lines(annotator_agreements(cast.project))
    assert [one.week.isoformat() for one in weeks] == ["2026-11-09", "2026-11-16"]
    later = weeks[1].together
    assert (later.num_images, later.num_matched) == (2, 4)
    assert later.mean_iou == pytest.approx((1 + 3 * 0.8) / 4)
    assert later.mean_boundary_iou == pytest.approx((1 + 3 * 0.8) / 8)
    pairs = pair_lines(annotator_agreements(cast.project))
    names = [(one.first_name, one.second_name) for one in pairs]
    assert names == [("Alice", "Bob"), ("Alice", "Carol"), ("Bob", "Carol")]
    told = browser("carol").get(f"projects/{cast.project.id}/agreement").json()
    assert [one["num_matched"] for one in told["pairs"]] == [
        one.together.num_matched for one in pairs
    ]
    alone = pairs[0].together
    assert told["pairs"][0]["unmatched_share"] == pytest.approx(
        alone.num_unmatched / (2 * alone.num_matched + alone.num_unmatched)
    )
    assert told["weeks"][1]["week"] == "2026-11-16"
    path = f"projects/{cast.project.id}/agreement"
    lines = browser("carol").get(f"{path}/pairs.csv").text.splitlines()
    assert lines[0].startswith("first_name,second_name,num_images,num_matched")
    assert [line.split(",")[:2] for line in lines[1:]] == [list(one) for one in names]
    weekly = browser("carol").get(f"{path}/weeks.csv").text.splitlines()
    assert weekly[2].startswith("2026-11-16,2,4,")
    change_image(image=by_three, changes=ImageChanges(removed=True), by=cast.carol)
    assert browser("carol").get(path).json() == {"pairs": [], "weeks": []}


def test_the_share_is_the_projects(cast: Cast, browser: Browsers) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}"
    told = carol.send("PATCH", path, {"agreement_percent": 15, "agreement_people": 3}).json()
    assert (told["agreement_percent"], told["agreement_people"]) == (15, 3)
    for body in ({"agreement_percent": 101}, {"agreement_people": 1}, {"agreement_people": 11}):
        assert carol.send("PATCH", path, body).status_code == 422
