"""Assignments over HTTP: next, ahead, renew, submit, skip, reopen, recents."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import Assignment, AssignmentState
from annotator.services.assignments import expire_leases
from tests.cast import Browser, Cast, make_embedding, make_image, make_model

Browsers = Callable[[str], Browser]


@pytest.fixture
def images(cast: Cast) -> None:
    for _ in range(4):
        make_image(cast.project)


def _next(browser: Browser, cast: Cast, ahead: int = 0) -> dict[str, object]:
    reply = browser.post(f"projects/{cast.project.id}/assignments/next", {"ahead": ahead})
    assert reply.status_code == 200, reply.content
    return reply.json()


def _names(reply: dict[str, object]) -> list[str]:
    leases = [reply["assignment"], *reply["upcoming"]]  # type: ignore[misc]
    return [lease["image"]["name"] for lease in leases]


def test_next_lends_the_first_free_image(browser: Browsers, cast: Cast, images: None) -> None:
    lease = _next(browser("alice"), cast)["assignment"]
    assert lease["state"] == "leased"
    assert lease["image"]["name"] == "harbour-0.png"
    assert (lease["image"]["width"], lease["image"]["height"]) == (37, 23)
    assert lease["image"]["state"] == "in_progress"
    assert lease["model"] is None and lease["embedding_url"] is None


def test_next_again_gives_the_same_image_first(browser: Browsers, cast: Cast, images: None) -> None:
    alice = browser("alice")
    first = _next(alice, cast, ahead=2)
    again = _next(alice, cast, ahead=2)
    assert _names(first) == _names(again) == [f"harbour-{n}.png" for n in (0, 1, 2)]
    assert Assignment.objects.count() == 3


def test_two_annotators_never_hold_the_same_image(
    browser: Browsers, cast: Cast, images: None
) -> None:
    alices = _names(_next(browser("alice"), cast, ahead=1))
    bobs = _names(_next(browser("bob"), cast, ahead=1))
    assert not set(alices) & set(bobs)


def test_nothing_left_is_204(browser: Browsers, cast: Cast) -> None:
    reply = browser("alice").post(f"projects/{cast.project.id}/assignments/next")
    assert (reply.status_code, reply.content) == (204, b"")


def test_with_a_model_only_images_with_its_embedding_are_lent(
    browser: Browsers, cast: Cast
) -> None:
    model, others = make_model(), make_model(encoder="a" * 64, promote=False)
    waiting, ready = make_image(cast.project), make_image(cast.project)
    make_embedding(ready, model)
    make_embedding(waiting, others)
    reply = _next(browser("alice"), cast, ahead=3)
    assert _names(reply) == [ready.name]
    lease = reply["assignment"]
    assert lease["embedding_url"] == f"/api/v1/images/{ready.id}/embedding/{'e' * 64}"
    assert lease["model"]["bundle_fingerprint"] == model.bundle_fingerprint
    assert lease["image"]["embedding"] == "ready"


def test_an_open_image_keeps_the_model_it_started_with(browser: Browsers, cast: Cast) -> None:
    first = make_model()
    for _ in range(2):
        make_embedding(make_image(cast.project), first)
    alice = browser("alice")
    _next(alice, cast, ahead=1)
    second = make_model()
    reply = _next(alice, cast, ahead=1)
    assert reply["assignment"]["model"]["id"] == str(first.id)
    assert reply["upcoming"][0]["model"]["id"] == str(second.id)


def test_submitting_twice_is_submitting_once(browser: Browsers, cast: Cast, images: None) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    first = alice.post(f"assignments/{lease['id']}/submit")
    ended_at = Assignment.objects.get().ended_at
    again = alice.post(f"assignments/{lease['id']}/submit")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["state"] == "submitted"
    assert Assignment.objects.get().ended_at == ended_at
    assert _names(_next(alice, cast)) == ["harbour-1.png"]


def test_a_submitted_image_is_lent_to_nobody(browser: Browsers, cast: Cast, images: None) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    alice.post(f"assignments/{lease['id']}/submit")
    assert "harbour-0.png" not in _names(_next(browser("bob"), cast, ahead=3))


def test_skipping_takes_a_reason(browser: Browsers, cast: Cast, images: None) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    path = f"assignments/{lease['id']}/skip"
    assert alice.post(path, {}).status_code == 422
    assert alice.post(path, {"reason": "boring"}).status_code == 422
    assert alice.post(path, {"reason": "other", "note": "a\u0007b"}).status_code == 422
    reply = alice.post(path, {"reason": "unclear", "note": "fog"})
    assert (reply.status_code, reply.json()["skip_reason"]) == (200, "unclear")
    assert _names(_next(alice, cast)) == ["harbour-1.png"]


def test_a_skipped_image_cannot_be_submitted_but_reopened(
    browser: Browsers, cast: Cast, images: None
) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    alice.post(f"assignments/{lease['id']}/skip", {"reason": "unclear"})
    assert alice.post(f"assignments/{lease['id']}/submit").status_code == 409
    reopened = alice.post(f"assignments/{lease['id']}/reopen")
    assert (reopened.status_code, reopened.json()["state"]) == (200, "leased")
    assert alice.post(f"assignments/{lease['id']}/submit").json()["state"] == "submitted"


def _expire_now() -> None:
    now = timezone.now()
    Assignment.objects.update(
        leased_at=now - timedelta(hours=2), expires_at=now - timedelta(hours=1)
    )
    assert expire_leases() > 0


def test_an_expired_lease_frees_the_image(browser: Browsers, cast: Cast, images: None) -> None:
    lease = _next(browser("alice"), cast)["assignment"]
    _expire_now()
    assert _names(_next(browser("bob"), cast)) == ["harbour-0.png"]
    lost = browser("alice").post(f"assignments/{lease['id']}/renew")
    assert (lost.status_code, lost.json()["error"]["code"]) == (409, "lease_lost")
    assert browser("alice").post(f"assignments/{lease['id']}/submit").status_code == 409
    assert browser("alice").post(f"assignments/{lease['id']}/reopen").status_code == 409


def test_an_expired_lease_that_nobody_took_comes_back_first(
    browser: Browsers, cast: Cast, images: None
) -> None:
    alice = browser("alice")
    first = _next(alice, cast)["assignment"]
    _next(browser("bob"), cast)
    _expire_now()
    again = _next(alice, cast)["assignment"]
    assert again["id"] == first["id"]
    assert Assignment.objects.filter(state=AssignmentState.LEASED).count() == 1


def test_renewing_extends_a_lease(browser: Browsers, cast: Cast, images: None) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    soon = timezone.now() + timedelta(seconds=5)
    Assignment.objects.update(expires_at=soon)
    assert alice.post(f"assignments/{lease['id']}/renew").status_code == 200
    assert Assignment.objects.get().expires_at > soon + timedelta(minutes=5)


def test_recent_assignments_are_mine_newest_first(
    browser: Browsers, cast: Cast, images: None
) -> None:
    alice = browser("alice")
    first = _next(alice, cast)["assignment"]
    alice.post(f"assignments/{first['id']}/submit")
    second = _next(alice, cast)["assignment"]
    _next(browser("bob"), cast)
    listed = alice.get("assignments?mine=1").json()["assignments"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert listed[1]["image"]["state"] == "submitted"


@pytest.mark.parametrize(
    "query", ["mine=2", "colour=red", "limit=0", "limit=201", "offset=-1", "limit=x", "project=x"]
)
def test_filters_that_mean_nothing_are_400(browser: Browsers, query: str) -> None:
    assert browser("alice").get(f"assignments?{query}").status_code == 400


@pytest.mark.parametrize("ahead", [-1, 4, "2", 1.5, True, None, 10**40])
def test_ahead_outside_its_range_is_422(browser: Browsers, cast: Cast, ahead: object) -> None:
    path = f"projects/{cast.project.id}/assignments/next"
    assert browser("alice").post(path, {"ahead": ahead}).status_code == 422


def test_another_persons_assignment_does_not_exist(
    browser: Browsers, cast: Cast, images: None
) -> None:
    lease = _next(browser("alice"), cast)["assignment"]
    unknown = browser("bob").get(f"assignments/{uuid.uuid4()}")
    for path in ("", "/renew", "/submit", "/reopen"):
        method = "POST" if path else "GET"
        reply = browser("bob").send(
            method, f"assignments/{lease['id']}{path}", {} if path else None
        )
        assert (reply.status_code, reply.content) == (404, unknown.content)


def test_leaving_the_project_ends_what_a_person_sees(
    browser: Browsers, cast: Cast, images: None
) -> None:
    alice = browser("alice")
    lease = _next(alice, cast)["assignment"]
    cast.alice.memberships.all().delete()
    assert alice.get(f"assignments/{lease['id']}").status_code == 404
    assert alice.get("assignments").json() == {"assignments": []}
