"""Signing in, one-time links, and what a stranger may learn from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotator.models import SignInLink
from annotator.services.people import make_sign_in_link
from tests.cast import Cast
from tests.pages.conftest import Visitors

PASSWORD = "eleven green herons"


@pytest.fixture
def alice_has_a_password(cast: Cast) -> None:
    cast.alice.set_password(PASSWORD)
    cast.alice.save()


def sign_in(client: Client, **fields: str):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", {"name": "alice", "password": PASSWORD, **fields})


@pytest.mark.usefixtures("alice_has_a_password")
def test_name_and_password_sign_in_and_lead_to_the_page_that_was_asked_for(
    visitor: Visitors, cast: Cast
) -> None:
    client = visitor("nobody")
    path = f"/projects/{cast.project.id}/guidelines"
    asked = client.get(path)
    assert (asked.status_code, asked["Location"]) == (
        302,
        f"/sign-in?next={path.replace('/', '%2F')}",
    )
    reply = sign_in(client, next=path, name="ALICE")
    assert (reply.status_code, reply["Location"]) == (302, path)
    assert client.get(path).status_code == 200


@pytest.mark.usefixtures("alice_has_a_password")
@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_signing_in_never_leads_to_another_site(visitor: Visitors, wanted: str) -> None:
    assert sign_in(visitor("nobody"), next=wanted)["Location"] == "/"


@pytest.mark.usefixtures("alice_has_a_password")
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(visitor: Visitors) -> None:
    wrong_password = sign_in(visitor("nobody"), password="eleven grey herons")
    wrong_name = sign_in(visitor("nobody"), name="alicia")
    assert wrong_password.status_code == wrong_name.status_code == 401
    assert "Name or password is wrong." in wrong_password.text
    assert "Name or password is wrong." in wrong_name.text


@pytest.mark.usefixtures("alice_has_a_password")
def test_ten_wrong_passwords_close_the_door_for_a_while(visitor: Visitors) -> None:
    client = visitor("nobody")
    for _ in range(10):
        sign_in(client, password="no")
    reply = sign_in(client)
    assert (reply.status_code, reply["Retry-After"]) == (429, "900")


@pytest.mark.usefixtures("alice_has_a_password")
def test_somebody_deactivated_cannot_sign_in(visitor: Visitors, cast: Cast) -> None:
    cast.alice.is_active = False
    cast.alice.save()
    assert sign_in(visitor("nobody")).status_code == 401


def test_signing_out_is_a_deliberate_act(visitor: Visitors) -> None:
    client = visitor("alice")
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/").status_code == 302


def test_looking_at_a_link_does_not_use_it_up(visitor: Visitors, cast: Cast) -> None:
    secret = make_sign_in_link(person=cast.alice)
    for _ in range(2):
        assert "Welcome, Alice" in visitor("nobody").get(f"/link/{secret}").text
    assert SignInLink.objects.get().used_at is None


def test_a_link_sets_the_password_once(visitor: Visitors, cast: Cast) -> None:
    secret = make_sign_in_link(person=cast.alice)
    client = visitor("nobody")
    reply = client.post(f"/link/{secret}", {"password": PASSWORD, "repeated": PASSWORD})
    assert (reply.status_code, reply["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert sign_in(visitor("nobody")).status_code == 302
    again = visitor("nobody").post(f"/link/{secret}", {"password": "x" * 12, "repeated": "x" * 12})
    assert again.status_code == 404
    assert "This link no longer works" in again.text
    assert sign_in(visitor("nobody")).status_code == 302


@pytest.mark.parametrize(
    ("password", "repeated", "told"),
    [
        ("short", "short", "at least 10 characters"),
        ("passwordpassword", "passwordpasswordd", "The two passwords differ."),
        ("1234567890", "1234567890", "too common"),
        ("h" * 257, "h" * 257, "too long"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_keeps_working(
    visitor: Visitors, cast: Cast, password: str, repeated: str, told: str
) -> None:
    secret = make_sign_in_link(person=cast.alice)
    reply = visitor("nobody").post(f"/link/{secret}", {"password": password, "repeated": repeated})
    assert reply.status_code == 422
    assert told in reply.text
    assert visitor("nobody").get(f"/link/{secret}").status_code == 200


def test_a_link_that_expired_or_never_was_gets_a_clear_page(visitor: Visitors, cast: Cast) -> None:
    secret = make_sign_in_link(person=cast.alice)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for token in (secret, "never-was"):
        reply = visitor("nobody").get(f"/link/{token}")
        assert reply.status_code == 404
        assert "This link no longer works" in reply.text


@pytest.mark.parametrize("path", ["/sign-in", "/", "/link/any"])
def test_plain_http_to_another_machine_gets_a_page_that_says_why(
    visitor: Visitors,
    settings,
    path: str,  # type: ignore[no-untyped-def]
) -> None:
    settings.ALLOWED_HOSTS = ["maskwright.example"]
    told = visitor("nobody").get(path, headers={"host": "maskwright.example:8000"})
    assert told.status_code == 403
    assert "This address is not secure" in told.text
    secure = visitor("nobody").get(path, headers={"host": "maskwright.example"}, secure=True)
    assert "This address is not secure" not in secure.text


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.carol)
    assert client.post("/projects/new", {"name": "Lighthouse"}).status_code == 403
