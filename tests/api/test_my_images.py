"""What a person worked on lately: listed, and told whether it can be opened again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotator.models import Assignment, AssignmentState, Mask, MaskTiming
from tests.cast import Browser, Cast, lend, make_image, save_body

Browsers = Callable[[str], Browser]


@pytest.fixture
def worked(cast: Cast, browser: Browsers) -> list[Assignment]:
    """Alice handed in the first image with a mask of 7 s, skipped the second and is at the third."""
    assignments = []
    alice = browser("alice")
    for _ in range(3):
        make_image(cast.project)
    for number in range(3):
        assignment = lend(cast.alice, cast.project)
        assignments.append(assignment)
        if number == 0:
            mask = uuid.uuid4()
            body = save_body(assignment, state="accepted")
            assert alice.save(mask, body).status_code == 201
            MaskTiming.objects.create(mask_id=mask, version=1, active_ms=7000.0)
            assert alice.post(f"assignments/{assignment.id}/submit").status_code == 200
        elif number == 1:
            path = f"assignments/{assignment.id}/skip"
            assert alice.post(path, {"reason": "unclear"}).status_code == 200
    return assignments


def listed(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    reply = browser.get(f"my-images{query}")
    assert reply.status_code == 200, reply.content
    images: list[dict[str, Any]] = reply.json()["images"]
    return images


def test_what_a_person_worked_on_is_listed_newest_first(
    browser: Browsers, cast: Cast, worked: list[Assignment]
) -> None:
    third, second, first = listed(browser("alice"))
    assert [one["assignment"] for one in (first, second, third)] == [str(a.id) for a in worked]
    assert [one["state"] for one in (first, second, third)] == ["submitted", "skipped", "leased"]
    assert [one["num_masks"] for one in (first, second, third)] == [1, 0, 0]
    assert [one["active_s"] for one in (first, second, third)] == [7.0, None, None]
    assert {one["refusal"] for one in (first, second, third)} == {""}
    assert first["project"] == str(cast.project.id)
    assert first["worked_at"] < second["worked_at"]
    assert len(listed(browser("alice"), "?limit=1&offset=1")) == 1
    assert listed(browser("alice"), f"?project={cast.elsewhere.id}") == []
    assert browser("alice").get("my-images?project=7").status_code == 400
    assert listed(browser("bob")) == [] == listed(browser("carol"))


def test_an_image_that_was_only_lent_ahead_is_not_one_that_was_worked_on(
    browser: Browsers, cast: Cast
) -> None:
    for _ in range(3):
        make_image(cast.project)
    path = f"projects/{cast.project.id}/assignments/next"
    assert browser("alice").post(path, {"ahead": 2}).status_code == 200
    [one] = listed(browser("alice"))
    assert one["name"] == "harbour-0.png"
    ahead = Assignment.objects.get(image__name="harbour-1.png")
    assert browser("alice").save(uuid.uuid4(), save_body(ahead)).status_code == 201
    assert {one["name"] for one in listed(browser("alice"))} == {"harbour-0.png", "harbour-1.png"}


@pytest.mark.parametrize(
    ("mine", "theirs", "refusal"),
    [
        (AssignmentState.EXPIRED, AssignmentState.LEASED, "Somebody else is working on it now."),
        (AssignmentState.EXPIRED, AssignmentState.SUBMITTED, "Somebody else has handed it in."),
        (AssignmentState.SKIPPED, AssignmentState.SUBMITTED, "Somebody else has handed it in."),
        (AssignmentState.RETURNED, AssignmentState.SUBMITTED, ""),
        (AssignmentState.SUBMITTED, AssignmentState.EXPIRED, ""),
        (AssignmentState.EXPIRED, AssignmentState.SKIPPED, ""),
    ],
)
def test_the_list_says_what_opening_the_image_again_would_say(
    browser: Browsers,
    cast: Cast,
    mine: AssignmentState,
    theirs: AssignmentState,
    refusal: str,
) -> None:
    make_image(cast.project)
    assignment = lend(cast.alice, cast.project)
    reason = "unclear" if mine == AssignmentState.SKIPPED else ""
    assignment.state, assignment.skip_reason, assignment.opened_at = (
        mine,
        reason,
        assignment.leased_at,
    )
    assignment.save()
    Assignment.objects.create(
        image=assignment.image,
        annotator=cast.bob,
        state=theirs,
        skip_reason="unclear" if theirs == AssignmentState.SKIPPED else "",
        leased_at=assignment.leased_at,
        expires_at=assignment.expires_at,
    )
    alice = browser("alice")
    [one] = listed(alice)
    assert one["refusal"] == refusal
    reply = alice.post(f"assignments/{assignment.id}/reopen")
    assert reply.status_code == (409 if refusal else 200)


def test_the_list_takes_as_many_queries_for_many_images_as_for_few(
    browser: Browsers, cast: Cast, worked: list[Assignment]
) -> None:
    def queries(query: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            listed(browser("alice"), query)
        return len(captured)

    assert queries("?limit=1&offset=2") == queries("?limit=3")
    assert Mask.objects.count() == 1
