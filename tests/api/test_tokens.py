"""API tokens: what they open, what they do not, and when they end."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from annotator.models import ApiToken, AuditEntry, Membership, Person, TokenScope
from annotator.services.people import set_person_active
from annotator.services.tokens import MAX_TOKENS_PER_PERSON, create_token
from tests.api.test_role_matrix import MATRIX, Browsers, Row, places
from tests.cast import Browser, Cast

__all__ = ["places"]
SESSION_ONLY = {"POST tokens", "DELETE tokens/{token}"}


def script(person: Person, *scopes: str) -> Browser:
    """A client without cookies that carries a new token of the person, and checks CSRF as a server does."""
    _, secret = create_token(person=person, name="nightly", scopes=scopes, days=1)
    return with_secret(secret)


def with_secret(secret: str) -> Browser:
    sender = Browser()
    sender.client = Client(
        raise_request_exception=False,
        enforce_csrf_checks=True,
        headers={"Authorization": f"Bearer {secret}"},
    )
    return sender


def code_of(reply: HttpResponse) -> str:
    return str(reply.json()["error"]["code"])


def scope_of(row: Row) -> str:
    """A write needs the scope named after the least role that may do it."""
    if "ok" in (row.alice, row.mallory) and row.address != "projects":
        return TokenScope.ANNOTATE
    return TokenScope.MANAGE if row.carol == "ok" else TokenScope.ADMIN


# ---- what a token opens --------------------------------------------------------------------------


def sent(sender: Browser, row: Row, places: dict[str, str]) -> HttpResponse:
    """The answer; what it changed is undone."""
    with transaction.atomic():
        reply = sender.send(row.method, row.address.format(**places), {})
        transaction.set_rollback(True)
    return reply


def test_a_write_needs_the_scope_of_the_least_role_that_may_do_it(
    browser: Browsers, places: dict[str, str], cast: Cast
) -> None:
    senders = {scope: script(cast.dan, scope) for scope in TokenScope.values}
    for row in MATRIX:
        name, needed = f"{row.method} {row.address}", scope_of(row)
        for scope, sender in senders.items():
            reply = sent(sender, row, places)
            refusal = code_of(reply) if reply.status_code == 403 else None
            if name in SESSION_ONLY:
                assert refusal == "session_only", (name, scope)
            elif row.method == "GET" or name == "DELETE session" or scope == needed:
                assert refusal is None, (name, scope)
            else:
                assert refusal == "token_scope", (name, scope)


def test_a_token_never_does_more_than_its_person(
    browser: Browsers, places: dict[str, str], cast: Cast
) -> None:
    """Alice's token reaches what Alice reaches, Mallory's what Mallory does: the roles decide as ever."""
    for who in ("mallory", "alice"):
        token, secret = create_token(person=cast.by_name(who), name="all", scopes=[], days=1)
        ApiToken.objects.filter(pk=token.pk).update(scopes=TokenScope.values)
        for row in MATRIX:
            name = f"{row.method} {row.address}"
            expected = "403" if name in SESSION_ONLY else getattr(row, who)
            status = sent(with_secret(secret), row, places).status_code
            if expected == "ok":
                assert status < 500 and status not in {401, 403, 404}, (who, name, status)
            else:
                assert status == int(expected), (who, name, status)


def test_no_cookie_and_no_csrf_token_is_needed(cast: Cast) -> None:
    sender = script(cast.carol, "manage")
    made = sender.post("projects", {"name": "Made by a script"})
    assert made.status_code == 201, made.content
    assert sender.get("me").json()["name"] == "carol"
    assert "sessionid" not in sender.client.cookies
    assert sender.client.get("/api/schema").status_code == 200


def test_pages_do_not_take_tokens(cast: Cast) -> None:
    assert script(cast.dan, "admin").client.get("/system").status_code == 302


# ---- what it does not ----------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer mw_no", "bearer \x00", "Bearer ü"])
def test_a_wrong_token_is_401_also_beside_a_good_session(
    cast: Cast, browser: Browsers, header: str
) -> None:
    for sender in (browser("alice"), browser("nobody")):
        reply = sender.send("GET", "me", Authorization=header)
        assert (reply.status_code, code_of(reply)) == (401, "bad_token")
        assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_another_way_of_authorizing_is_none(browser: Browsers, cast: Cast) -> None:
    reply = browser("nobody").send("GET", "me", Authorization="Basic YWxpY2U6eA==")
    assert (reply.status_code, code_of(reply)) == (401, "not_signed_in")
    assert browser("alice").send("GET", "me", Authorization="Basic eA==").status_code == 200


def test_expired_revoked_and_switched_off_look_the_same(browser: Browsers, cast: Cast) -> None:
    expired, revoked, switched_off = (script(one) for one in (cast.alice, cast.bob, cast.carol))
    ApiToken.objects.filter(person=cast.alice).update(expires_at=timezone.now())
    token = ApiToken.objects.get(person=cast.bob)
    assert browser("bob").send("DELETE", f"tokens/{token.id}").status_code == 204
    set_person_active(person=cast.carol, is_active=False, by=cast.dan)
    replies = [one.get("me") for one in (expired, revoked, switched_off)]
    assert {reply.status_code for reply in replies} == {401}
    assert len({reply.content for reply in replies}) == 1
    set_person_active(person=cast.carol, is_active=True, by=cast.dan)
    assert switched_off.get("me").status_code == 200


def test_rights_that_a_person_loses_leave_the_tokens_too(cast: Cast) -> None:
    sender = script(cast.carol, "manage")
    path = f"projects/{cast.project.id}"
    assert sender.send("PATCH", path, {"archived": False}).status_code == 200
    Membership.objects.filter(person=cast.carol).delete()
    assert sender.send("PATCH", path, {"archived": False}).status_code == 404


# ---- making and listing them ---------------------------------------------------------------------


def test_a_secret_is_told_once_and_stored_only_hashed(browser: Browsers, cast: Cast) -> None:
    alice = browser("alice")
    made = alice.post("tokens", {"name": " my  notebook", "scopes": ["annotate"], "days": 7})
    body = made.json()
    assert made.status_code == 201 and body["secret"].startswith("mw_")
    assert (body["name"], body["scopes"]) == ("my notebook", ["read", "annotate"])
    assert body["last_used_at"] is None
    listed = alice.get("tokens")
    assert body["secret"] not in listed.content.decode()
    assert [one["id"] for one in listed.json()["tokens"]] == [body["id"]]
    token = ApiToken.objects.get()
    assert token.expires_at - token.created_at - timedelta(days=7) < timedelta(seconds=5)
    assert body["secret"] not in str(vars(token))
    with_secret(body["secret"]).get("me")
    assert alice.get("tokens").json()["tokens"][0]["last_used_at"] is not None


def test_each_sees_and_revokes_only_their_own(browser: Browsers, cast: Cast) -> None:
    mine = browser("alice").post("tokens", {"name": "mine"}).json()["id"]
    for other in ("carol", "dan"):
        assert browser(other).get("tokens").json()["tokens"] == []
        assert browser(other).send("DELETE", f"tokens/{mine}").status_code == 404
    assert browser("alice").send("DELETE", f"tokens/{mine}").status_code == 204
    assert browser("alice").send("DELETE", f"tokens/{mine}").status_code == 404
    acts = AuditEntry.objects.filter(act__startswith="token.").order_by("id")
    assert [(act.act, act.subject, act.person) for act in acts] == [
        ("token.made", "alice: mine", cast.alice),
        ("token.revoked", "alice: mine", cast.alice),
    ]


@pytest.mark.parametrize(
    ("who", "usable"),
    [
        ("alice", ["read", "annotate"]),
        ("carol", ["read", "annotate", "manage"]),
        ("dan", ["read", "annotate", "manage", "admin"]),
    ],
)
def test_scopes_go_as_far_as_the_person(browser: Browsers, who: str, usable: list[str]) -> None:
    assert browser(who).get("tokens").json()["usable_scopes"] == usable
    for scope in TokenScope.values:
        reply = browser(who).post("tokens", {"name": "one", "scopes": [scope]})
        assert (reply.status_code == 201) == (scope in usable), reply.content
        if scope not in usable:
            assert (reply.status_code, code_of(reply)) == (422, "scope_not_yours")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": " "}, 422),
        ({"name": "x" * 81}, 422),
        ({"name": "x", "scopes": ["everything"]}, 422),
        ({"name": "x", "scopes": "read"}, 422),
        ({"name": "x", "days": 0}, 422),
        ({"name": "x", "days": 367}, 422),
        ({"name": "x", "days": True}, 422),
        ({"name": "x", "person": "dan"}, 400),
    ],
)
def test_tokens_that_cannot_be_are_refused(
    browser: Browsers, body: dict[str, object], status: int
) -> None:
    assert browser("dan").post("tokens", body).status_code == status
    assert not ApiToken.objects.exists()


def test_nobody_has_tokens_without_number(browser: Browsers, cast: Cast) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(
            person=cast.alice,
            name="one of many",
            scopes=["read"],
            secret_sha256=uuid.uuid4().hex * 2,
            expires_at=timezone.now(),
        )
        for _ in range(MAX_TOKENS_PER_PERSON)
    )
    reply = browser("alice").post("tokens", {"name": "one more"})
    assert (reply.status_code, code_of(reply)) == (409, "too_many_tokens")


def test_use_is_noted_once_a_minute(cast: Cast) -> None:
    sender = script(cast.alice)
    sender.get("me")
    first = ApiToken.objects.get().last_used_at
    sender.get("me")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    sender.get("me")
    assert ApiToken.objects.get().last_used_at > first


def test_a_command_makes_a_token(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_token", "Carol", "nightly export", "--scope", "manage", "--days", "30")
    secret = capsys.readouterr().out.strip()
    assert with_secret(secret).get("me").json()["name"] == "carol"
    assert ApiToken.objects.get().scopes == ["read", "manage"]
    with pytest.raises(CommandError, match="'manage'"):
        call_command("create_token", "alice", "too much", "--scope", "manage")
