"""Reference images by the API: marking them, how often they are lent, and who reads which scores."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from annotator.models import (
    Agreement,
    AuditEntry,
    Image,
    ImageCopy,
    Person,
    Project,
    RejectReason,
    ReviewOutcome,
)
from annotator.services.assignments import submit
from annotator.services.reviews import Decision, decide
from tests.cast import Browser, Cast, accepted_mask, lend, make_image

Browsers = Callable[[str], Browser]


@pytest.fixture
def image(cast: Cast) -> Image:
    """Bob masked it and handed it in."""
    image = make_image(cast.project)
    accepted_mask(image, cast.bob)
    submit(assignment=lend(cast.bob, cast.project))
    return image


def mark(who: Browser, image: Image, is_reference: bool = True) -> tuple[int, str]:
    reply = who.send("PATCH", f"images/{image.id}", {"is_reference": is_reference})
    body = reply.json()
    return reply.status_code, body["error"]["code"] if "error" in body else ""


def scored(image: Image, person: Person, *, matched: int = 2) -> None:
    hidden = Project.with_hidden.create(
        name=f"copies {person.name}", copies_of=image.project, copies_for=person
    )
    copied = Image.objects.create(
        project=hidden, picture=image.picture, name=image.name, order_index=0
    )
    Agreement.objects.create(
        copy=ImageCopy.objects.create(image=copied, original=image, purpose="reference"),
        other=image,
        annotator=person,
        num_matched=matched,
        num_only_here=1,
        num_only_there=0,
        mean_iou=0.75,
        mean_boundary_iou=0.5,
        handed_in_at=timezone.now(),
    )


def test_an_image_is_marked_and_the_mark_taken_away(
    cast: Cast, browser: Browsers, image: Image
) -> None:
    carol = browser("carol")
    assert mark(carol, image) == (200, "")
    assert carol.get(f"images/{image.id}").json()["is_reference"] is True
    scores = f"projects/{cast.project.id}/reference-scores"
    assert carol.get(scores).json() == {"num_references": 1, "people": []}
    assert mark(carol, image, is_reference=False) == (200, "")
    assert carol.get(scores).json()["num_references"] == 0
    acts = AuditEntry.objects.filter(subject=image.name).values_list("act", flat=True)
    assert list(acts.order_by("id")) == ["image.reference", "image.no_reference"]


def test_only_an_image_with_good_masks_that_is_handed_in_is_marked(
    cast: Cast, browser: Browsers, image: Image
) -> None:
    carol, fresh = browser("carol"), make_image(cast.project)
    assert mark(carol, fresh) == (409, "not_handed_in")
    submit(assignment=lend(cast.alice, cast.project))
    assert mark(carol, fresh) == (409, "no_masks")
    mask = accepted_mask(fresh, cast.alice)
    assert mark(carol, fresh) == (200, "")
    assert mark(carol, fresh, is_reference=False) == (200, "")
    why = Decision(mask.id, 1, ReviewOutcome.REJECTED, RejectReason.DUPLICATE)
    decide(mask=mask, decision=why, by=cast.carol)
    assert mark(carol, fresh)[0] == 409
    assert carol.send("PATCH", f"images/{image.id}", {}).status_code == 422


def test_how_often_is_the_projects(cast: Cast, browser: Browsers) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}"
    body = {"reference_every": 5, "shows_reference_scores": True}
    assert carol.send("PATCH", path, body).json()["reference_every"] == 5
    since = Project.objects.get(id=cast.project.id).references_since
    assert since is not None
    told = carol.send("PATCH", path, {"reference_every": 5, "name": "Quay"}).json()
    assert (told["reference_every"], told["shows_reference_scores"]) == (5, True)
    project = Project.objects.get(id=cast.project.id)
    assert (project.references_since, project.name) == (since, "Quay"), "nothing begins anew"
    for every in (1, -1, 1001, "5"):
        assert carol.send("PATCH", path, {"reference_every": every}).status_code == 422
    assert Project.objects.get(id=cast.project.id).reference_every == 5


def test_managers_read_everybodys_scores_and_people_their_own_when_shown(
    cast: Cast, browser: Browsers, image: Image
) -> None:
    scored(image, cast.alice)
    scored(image, cast.carol, matched=1)
    base = f"projects/{cast.project.id}"
    people = browser("carol").get(f"{base}/reference-scores").json()["people"]
    assert [(one["name"], one["num_matched"]) for one in people] == [("Alice", 2), ("Carol", 1)]
    assert (people[0]["mean_iou"], people[0]["mean_boundary_iou"]) == (0.75, 0.5)
    mine = f"{base}/my-reference-scores"
    assert browser("alice").get(mine).json() == {"shown": False, "images": []}
    Project.objects.filter(id=cast.project.id).update(shows_reference_scores=True)
    (one,) = browser("alice").get(mine).json()["images"]
    assert (one["image_name"], one["num_matched"], one["num_extra"]) == (image.name, 2, 1)
    assert browser("bob").get(mine).json() == {"shown": True, "images": []}
