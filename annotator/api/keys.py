"""The keys that a person chose, for every browser of theirs."""

from __future__ import annotations

import re
from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import Text
from annotator.models import ChosenKeys, TokenScope
from annotator.queries.keys import chosen_keys, require_self
from annotator.services.keys import save_keys

COMMAND = re.compile(r"[a-z0-9_]{1,40}")
MAX_COMMANDS = 200
MAX_CHORDS = 8
MAX_CHORD_LENGTH = 40


class KeysBody(StrictSerializer):
    keys = serializers.DictField(
        child=serializers.ListField(
            child=Text(max_length=MAX_CHORD_LENGTH, trim_whitespace=False), max_length=MAX_CHORDS
        ),
        help_text="by command its chords, where they differ from the first ones",
    )

    def validate_keys(self, keys: dict[str, list[str]]) -> dict[str, list[str]]:
        """Only the shape: which commands there are, the page knows, and it leaves out what it does not know."""
        if len(keys) > MAX_COMMANDS:
            text = f"At most {MAX_COMMANDS} commands have keys."
            raise serializers.ValidationError(text, code="too_many")
        for command in keys:
            if not COMMAND.fullmatch(command):
                text = f"{command[:40]!r} is no name of a command: a-z, 0-9 and _, at most 40."
                raise serializers.ValidationError(text, code="bad_command")
        return keys


class KeysReply(serializers.Serializer[object]):
    keys = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    saved_at = serializers.DateTimeField(allow_null=True, help_text="null: never")


def describe_keys(saved: ChosenKeys | None) -> dict[str, object]:
    return {"keys": saved.keys if saved else {}, "saved_at": saved and saved.saved_at}


class Keys(Endpoint):
    """One's own keys; the last save counts."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(responses=KeysReply)
    def get(self, request: Request, own_id: UUID) -> Response:
        require_self(person=self.person, person_id=own_id)
        return Response(describe_keys(chosen_keys(self.person)))

    @extend_schema(request=KeysBody, responses=KeysReply)
    def put(self, request: Request, own_id: UUID) -> Response:
        require_self(person=self.person, person_id=own_id)
        return Response(describe_keys(save_keys(person=self.person, **self.read(KeysBody))))


urls: list[URLPattern] = [
    path("people/<uuid:own_id>/keys", Keys.as_view(), name="keys"),
]
