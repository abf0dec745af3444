"""Field types that several bodies share."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from rest_framework import serializers

CANONICAL_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # tab and newline are text


class Text(serializers.CharField):
    """Text without control characters."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Text is expected.", code="not_text")
        text = super().to_internal_value(data)
        if CONTROL.search(text):
            raise serializers.ValidationError(
                "Control characters are not accepted.", code="control"
            )
        return text


class CanonicalUuid(serializers.UUIDField):
    """A UUID in its one spelling: 36 lower-case characters."""

    def to_internal_value(self, data: Any) -> UUID:
        found = super().to_internal_value(data)
        if str(found) != data:
            raise serializers.ValidationError("Write UUIDs in lower case.", code="not_canonical")
        return found


class StrictBoolean(serializers.BooleanField):
    """true or false, no other spelling."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("true or false is expected.", code="not_boolean")
        return data


class StrictInteger(serializers.IntegerField):
    """A JSON integer, not a text that looks like one."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("A whole number is expected.", code="not_whole")
        return super().to_internal_value(data)


class StrictFloat(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, (int, float)) or isinstance(data, bool):
            raise serializers.ValidationError("A number is expected.", code="not_number")
        if abs(data) > 1e300:
            raise serializers.ValidationError("The number is too large.", code="max_value")
        return super().to_internal_value(data)
