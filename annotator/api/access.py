"""Who asks and in which language: a session with CSRF or an API token, JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DjangoSession
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from annotator.errors import NotAllowed
from annotator.models import ApiToken, Person, TokenScope
from annotator.services.tokens import find_token

if TYPE_CHECKING:  # that module reads the settings, which name this one
    from rest_framework.views import APIView

CHALLENGE = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer SECRET`. No cookie, so that another site cannot send it, and no CSRF token."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        token = find_token(secret=secret.strip())
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE  # naming one makes DRF answer 401 instead of 403


class SessionAuthentication(DjangoSession):
    """Session cookie with CSRF."""


class IsSignedIn(IsAuthenticated):
    """Somebody active is signed in; a token has the scope that the address asks for. Roles are asked later."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        if isinstance(request.auth, ApiToken):
            _check_scope(request.auth, request, view)
        return True


def _check_scope(token: ApiToken, request: Request, view: APIView) -> None:
    if request.method in SAFE_METHODS:
        return
    wanted: TokenScope | None = getattr(view, "write_scope", TokenScope.ADMIN)
    if wanted is None:
        raise NotAllowed("Sign in for this; a token may not do it.", code="session_only")
    if wanted not in token.scopes:
        raise NotAllowed(f"This token lacks the scope {wanted.value!r}.", code="token_scope")


class AlwaysJson(BaseContentNegotiation):
    """The API speaks JSON: an Accept header for HTML changes nothing."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser | None:
        wanted = request.content_type.split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
