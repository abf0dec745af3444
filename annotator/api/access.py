"""Who asks and in which language: session sign-in with CSRF, JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence

from rest_framework.authentication import SessionAuthentication as DjangoSession
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class SessionAuthentication(DjangoSession):
    """Session cookie with CSRF; naming a challenge makes DRF answer 401 instead of 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class IsSignedIn(IsAuthenticated):
    """Somebody active is signed in."""


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
