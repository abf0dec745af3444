"""API tokens of a person, and what they may be used for."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from annotator.errors import NotInScope
from annotator.models import ApiToken, Person, TokenScope
from annotator.queries.people import may_create_projects
from annotator.queries.scope import NOTHING


def tokens_of(person: Person) -> QuerySet[ApiToken]:
    """The person's tokens, newest first, expired ones too."""
    return ApiToken.objects.filter(person=person).order_by("-created_at", "id")


def find_own_token(*, person: Person, token_id: UUID) -> ApiToken:
    token = tokens_of(person).filter(id=token_id).first()
    if token is None:
        raise NotInScope(NOTHING)
    return token


def scopes_for(person: Person) -> list[TokenScope]:
    """What tokens of the person may be used for today; their rights are asked again at each request."""
    scopes = [TokenScope.READ, TokenScope.ANNOTATE]
    if may_create_projects(person):
        scopes.append(TokenScope.MANAGE)
    if person.is_admin:
        scopes.append(TokenScope.ADMIN)
    return scopes
