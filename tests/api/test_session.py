"""Who am I, signing in and out, one-time links, and the limits on guessing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotator.errors import Invalid, NotInScope
from annotator.models import AuditEntry, Person, SignInFailure, SignInLink
from annotator.services.people import consume_link, find_link_person, make_sign_in_link
from tests.cast import Browser, Cast, lend, make_embedding, make_image, make_model

Browsers = Callable[[str], Browser]
PASSWORD = "correct horse battery"


@pytest.fixture
def alice(cast: Cast) -> Person:
    """Alice, who has a password."""
    cast.alice.set_password(PASSWORD)
    cast.alice.save()
    return cast.alice


def _sign_in(client: Client, name: str, password: object, **extra: str) -> object:
    body = {"name": name, "password": password}
    return client.post("/api/v1/session", body, content_type="application/json", **extra)


def test_me_tells_name_and_roles(browser: Browsers, cast: Cast) -> None:
    assert browser("carol").get("me").json() == {
        "id": str(cast.carol.id),
        "name": "carol",
        "display_name": "Carol",
        "is_admin": False,
        "memberships": [{"project": str(cast.project.id), "role": "manager"}],
    }


def test_me_is_401_when_not_signed_in(browser: Browsers) -> None:
    reply = browser("nobody").get("me")
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_me_only_reads(browser: Browsers, method: str) -> None:
    assert browser("alice").send(method, "me").status_code == 405


def test_a_right_password_signs_in_and_delete_signs_out(alice: Person) -> None:
    client = Client()
    reply = _sign_in(client, "Alice", PASSWORD)
    assert (reply.status_code, reply.json()["name"]) == (200, "alice")
    assert client.get("/api/v1/me").status_code == 200
    assert client.delete("/api/v1/session").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_every_wrong_pair_gets_the_same_answer(alice: Person, cast: Cast) -> None:
    cast.bob.is_active = False
    cast.bob.set_password(PASSWORD)
    cast.bob.save()
    pairs = [("alice", "wrong"), ("nobody-here", PASSWORD), ("bob", PASSWORD), ("carol", PASSWORD)]
    replies = [_sign_in(Client(), name, password) for name, password in pairs]
    assert {reply.status_code for reply in replies} == {401}
    assert len({reply.content for reply in replies}) == 1


def test_signing_in_needs_the_csrf_token(alice: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    assert _sign_in(client, "alice", PASSWORD).status_code == 403
    assert client.get("/api/v1/me").status_code == 401


def test_a_write_without_the_csrf_token_is_403(alice: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    reply = client.post("/api/v1/interactions", {}, content_type="application/json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "csrf_failed")
    client.get("/api/v1/me")
    token = client.cookies["csrftoken"].value
    reply = client.post(
        "/api/v1/interactions", {}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert reply.status_code == 422


def test_guessing_is_slowed_down_where_it_comes_from_only(alice: Person) -> None:
    for _ in range(10):
        assert _sign_in(Client(), "alice", "wrong", REMOTE_ADDR="10.0.0.66").status_code == 401
    blocked = _sign_in(Client(), "alice", PASSWORD, REMOTE_ADDR="10.0.0.66")
    assert (blocked.status_code, blocked.headers["Retry-After"]) == (429, "900")
    assert _sign_in(Client(), "alice", PASSWORD, REMOTE_ADDR="10.0.0.7").status_code == 200


def test_a_browser_that_signed_in_before_is_never_locked_out_by_others(alice: Person) -> None:
    own = Client(REMOTE_ADDR="10.0.0.66")
    assert _sign_in(own, "alice", PASSWORD).status_code == 200
    own.delete("/api/v1/session")
    for _ in range(11):
        _sign_in(Client(), "alice", "wrong", REMOTE_ADDR="10.0.0.66")
    assert _sign_in(own, "alice", PASSWORD).status_code == 200


def test_a_known_browser_may_not_guess_for_ever(alice: Person) -> None:
    own = Client()
    _sign_in(own, "alice", PASSWORD)
    codes = [_sign_in(own, "alice", "wrong").status_code for _ in range(21)]
    assert codes[:20] == [401] * 20 and codes[20] == 429


def test_failures_are_forgotten_after_a_quarter_of_an_hour(alice: Person) -> None:
    for _ in range(10):
        _sign_in(Client(), "alice", "wrong")
    SignInFailure.objects.update(failed_at=timezone.now() - timedelta(minutes=16))
    assert _sign_in(Client(), "alice", PASSWORD).status_code == 200
    assert not SignInFailure.objects.exists()


def test_a_link_sets_a_password_once(cast: Cast) -> None:
    secret = make_sign_in_link(person=cast.bob)
    assert find_link_person(secret=secret) == find_link_person(secret=secret) == cast.bob
    consume_link(secret=secret, password=PASSWORD)
    assert Person.objects.get(name="bob").check_password(PASSWORD)
    for again in (
        lambda: consume_link(secret=secret, password="other password 12"),
        lambda: find_link_person(secret=secret),
    ):
        with pytest.raises(NotInScope):
            again()
    assert Person.objects.get(name="bob").check_password(PASSWORD)
    assert not SignInLink.objects.filter(secret_sha256__contains=secret).exists()
    assert AuditEntry.objects.filter(act="link.used", person=cast.bob).count() == 1


def test_a_weak_password_leaves_the_link_open(cast: Cast) -> None:
    secret = make_sign_in_link(person=cast.bob)
    for weak in ("short", "password123", "x" * 300, "nul\x00nul nul nul"):
        with pytest.raises(Invalid):
            consume_link(secret=secret, password=weak)
    assert consume_link(secret=secret, password=PASSWORD) == cast.bob


def test_a_new_link_ends_the_one_before_and_links_end_by_themselves(cast: Cast) -> None:
    first, second = make_sign_in_link(person=cast.bob), make_sign_in_link(person=cast.bob)
    with pytest.raises(NotInScope):
        find_link_person(secret=first)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotInScope):
        find_link_person(secret=second)


def test_a_new_password_ends_other_sessions(alice: Person) -> None:
    client = Client()
    client.force_login(alice)
    consume_link(secret=make_sign_in_link(person=alice), password="another password 12")
    assert client.get("/api/v1/me").status_code == 401


def test_somebody_switched_off_is_signed_out_at_once(alice: Person) -> None:
    client = Client()
    client.force_login(alice)
    alice.is_active = False
    alice.save()
    assert client.get("/api/v1/me").status_code == 401


def test_admins_make_people_and_links(browser: Browsers, cast: Cast) -> None:
    dan = browser("dan")
    made = dan.post("people", {"name": "erin", "display_name": "Erin"})
    assert made.status_code == 201
    assert dan.post("people", {"name": "ERIN"}).status_code == 409
    assert dan.post("people", {"name": "bad name"}).status_code == 422
    url = dan.post(f"people/{made.json()['id']}/sign-in-link").json()["url"]
    assert find_link_person(secret=url.rpartition("/")[2]).name == "erin"
    assert "erin" in [one["name"] for one in dan.get("people").json()["people"]]


def test_admins_shut_people_out_and_their_images_are_free_at_once(
    browser: Browsers, cast: Cast
) -> None:
    make_embedding(make_image(cast.project), make_model())
    held = lend(cast.alice, cast.project)
    alice, dan, path = browser("alice"), browser("dan"), f"people/{cast.alice.id}"
    reply = dan.send("PATCH", path, {"is_active": False})
    assert (reply.status_code, reply.json()["is_active"]) == (200, False)
    assert alice.get("me").status_code == 401
    assert lend(cast.bob, cast.project).image_id == held.image_id
    assert dan.send("PATCH", path, {"is_active": True}).json()["is_active"] is True
    assert alice.get("me").status_code == 200
    assert dan.send("PATCH", f"people/{cast.dan.id}", {"is_active": False}).status_code == 409
    assert dan.send("PATCH", path, {"is_active": "no"}).status_code == 422
    people = {one["name"]: one["is_active"] for one in dan.get("people").json()["people"]}
    assert people == dict.fromkeys(("alice", "bob", "carol", "dan", "mallory"), True)


def test_who_leaves_a_project_gives_back_its_images(browser: Browsers, cast: Cast) -> None:
    make_embedding(make_image(cast.project), make_model())
    held = lend(cast.alice, cast.project)
    path = f"projects/{cast.project.id}/members/{cast.alice.id}"
    assert browser("carol").send("DELETE", path).status_code == 204
    assert lend(cast.bob, cast.project).image_id == held.image_id


def test_managers_choose_the_members_of_their_project(browser: Browsers, cast: Cast) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}/members"
    assert carol.post(path, {"name": "mallory", "role": "annotator"}).status_code == 200
    assert carol.post(path, {"name": "nobody-here", "role": "annotator"}).status_code == 422
    assert carol.post(path, {"name": "bob", "role": "owner"}).status_code == 422
    assert browser("mallory").get(f"projects/{cast.project.id}").status_code == 200
    assert carol.send("DELETE", f"{path}/{cast.mallory.id}").status_code == 204
    assert browser("mallory").get(f"projects/{cast.project.id}").status_code == 404
    names = [one["name"] for one in carol.get(path).json()["members"]]
    assert sorted(names) == ["alice", "bob", "carol"]
