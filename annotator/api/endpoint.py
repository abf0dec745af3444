"""What every endpoint shares: the person, strict input, pages."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.views import APIView

from annotator.models import Person, TokenScope


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which an unknown field is an error (400), not a typing mistake that passes."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise ParseError(f"Unknown field {unknown[0][:80]!r}.")
        return super().to_internal_value(data)


class Endpoint(APIView):
    """A thin view: it reads the request, calls one query or service, and shapes the reply."""

    #: the filters (query parameters) that GET accepts; any other is 400
    filters: frozenset[str] = frozenset()
    #: the scope that an API token needs for anything but reading; None: tokens may not
    write_scope: TokenScope | None = TokenScope.ADMIN
    request: Request

    @property
    def person(self) -> Person:
        return cast(Person, self.request.user)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        unknown = sorted(set(request.query_params) - self.filters)
        if unknown:
            raise ParseError(f"Unknown filter {unknown[0][:80]!r}.")
        if any("\x00" in word for word in request.query_params.values()):
            raise ParseError("A filter with NUL characters is not accepted.")

    def read(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The validated body; raises 400 for unknown fields, 422 for refused values."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        return cast(dict[str, Any], body.validated_data)

    def page(self) -> tuple[int, int]:
        """(offset, limit) from the filters; needs "offset" and "limit" in `filters`."""
        offset = self.whole_number("offset", 0, 0, 10_000_000)
        return offset, self.whole_number("limit", settings.PAGE_SIZE, 1, settings.MAX_PAGE_SIZE)

    def uuid(self, name: str) -> UUID | None:
        """A filter that names something; raises 400 for anything but a UUID."""
        word = self.request.query_params.get(name)
        try:
            return UUID(word) if word else None
        except ValueError as error:
            raise ParseError(f"{name}={(word or '')[:40]!r} is not a UUID.") from error

    def whole_number(self, name: str, default: int, low: int, high: int) -> int:
        """A filter from low to high; raises 400 for anything else."""
        word = self.request.query_params.get(name, str(default))
        if not (word.isascii() and word.isdigit()) or len(word) > 9 or not low <= int(word) <= high:
            raise ParseError(f"{name}={word[:40]!r} is not a whole number from {low} to {high}.")
        return int(word)
