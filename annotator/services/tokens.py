"""API tokens: making them, letting them in, revoking them."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid, NotSignedIn
from annotator.models import ApiToken, Person, TokenScope
from annotator.queries.tokens import scopes_for, tokens_of
from annotator.services.audit import record_act
from annotator.services.people import hash_secret

SECRET_PREFIX = "mw_"  # so that scanners for leaked secrets know one
DEFAULT_TOKEN_DAYS = 90
MAX_TOKEN_DAYS = 366
MAX_TOKENS_PER_PERSON = 50
MAX_TOKEN_NAME = 80
USE_NOTED_EVERY = timedelta(minutes=1)


def create_token(
    *, person: Person, name: str, scopes: Collection[str], days: int, by: Person | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is nowhere else; "read" is always among the scopes.

    Raises `Invalid` for a scope that the person's role does not include, `Conflict` when the person has too many.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_TOKEN_NAME or "\x00" in name:
        text = f"A token needs a name of at most {MAX_TOKEN_NAME} characters."
        raise Invalid(text, code="bad_name", field="name")
    if not 1 <= days <= MAX_TOKEN_DAYS:
        text = f"A token works from 1 to {MAX_TOKEN_DAYS} days, not {days}."
        raise Invalid(text, code="bad_days", field="days")
    usable = scopes_for(person)
    refused = sorted(set(scopes) - set(usable))
    if refused:
        text = f"{person.display_name} cannot give a token the scope {refused[0]!r:.40}."
        raise Invalid(text, code="scope_not_yours", field="scopes")
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)  # one at a time count
        if tokens_of(person).count() >= MAX_TOKENS_PER_PERSON:
            text = f"Nobody has more than {MAX_TOKENS_PER_PERSON} tokens; revoke one first."
            raise Conflict(text, code="too_many_tokens")
        token = ApiToken.objects.create(
            person=person,
            name=name,
            scopes=[scope for scope in usable if scope in scopes or scope == TokenScope.READ],
            secret_sha256=hash_secret(secret),
            expires_at=timezone.now() + timedelta(days=days),
        )
        detail: dict[str, object] = {"token": str(token.pk), "scopes": token.scopes, "days": days}
        record_act(person=by, act="token.made", subject=f"{person.name}: {name}", detail=detail)
    return token, secret


def revoke_token(*, token: ApiToken, by: Person) -> None:
    """The token is refused from now on."""
    with transaction.atomic():
        subject = f"{token.person.name}: {token.name}"
        record_act(person=by, act="token.revoked", subject=subject, detail={"token": str(token.pk)})
        token.delete()


def find_token(*, secret: str) -> ApiToken:
    """The living token of an active person; raises `NotSignedIn` with one text for all others.

    Notes the use, at most once a minute, and names the token in the log lines of the request.
    """
    now = timezone.now()
    token = (
        ApiToken.objects.filter(
            secret_sha256=hash_secret(secret), expires_at__gt=now, person__is_active=True
        )
        .select_related("person")
        .first()
    )
    if token is None:
        text = "This token does not work: it is unknown, expired, revoked, or its person is out."
        raise NotSignedIn(text, code="bad_token")
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    structlog.contextvars.bind_contextvars(token=str(token.pk))
    return token
