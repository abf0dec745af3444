"""GET audit-log: who did what, for admins."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint
from annotator.models import AuditEntry
from annotator.queries.audit import ActFilter, acts
from annotator.queries.scope import require_admin

LARGEST_ID = 999_999_999
FILTERS = [
    OpenApiParameter("person", UUID),
    OpenApiParameter("project", UUID),
    OpenApiParameter("act", str, description="an act (token.made) or a kind of acts (token)"),
    OpenApiParameter("before", int, description="an entry's id: only older ones"),
    OpenApiParameter("limit", int),
]


class ActReply(serializers.Serializer[object]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    person = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(help_text="the person's; empty: the server")
    act = serializers.CharField()
    subject = serializers.CharField()
    project = serializers.UUIDField(allow_null=True)
    detail = serializers.DictField()


class AuditLogReply(serializers.Serializer[object]):
    acts = ActReply(many=True)
    next_before = serializers.IntegerField(allow_null=True)


def describe_act(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.pk,
        "at": entry.created_at,
        "person": entry.person_id,
        "name": entry.person.name if entry.person else "",
        "act": entry.act,
        "subject": entry.subject,
        "project": entry.project_id,
        "detail": entry.detail,
    }


class AuditLog(Endpoint):
    """The newest acts first; `next_before` of one answer is `before` of the next."""

    filters = frozenset({"person", "project", "act", "before", "limit"})

    @extend_schema(parameters=FILTERS, responses=AuditLogReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        _, limit = self.page()
        before = "before" in request.query_params
        wanted = ActFilter(
            person=self._id("person"),
            project=self._id("project"),
            act=request.query_params.get("act", "")[:64],
            before=self.whole_number("before", 0, 0, LARGEST_ID) if before else None,
        )
        found = list(acts(wanted)[: limit + 1])
        shown = found[:limit]
        return Response(
            {
                "acts": [describe_act(entry) for entry in shown],
                "next_before": shown[-1].pk if len(found) > limit else None,
            }
        )

    def _id(self, name: str) -> UUID | None:
        word = self.request.query_params.get(name)
        try:
            return None if word is None else UUID(word)
        except ValueError as error:
            raise ParseError(f"{name}={word!r:.60} is no id.") from error


urls: list[URLPattern] = [path("audit-log", AuditLog.as_view(), name="audit-log")]
