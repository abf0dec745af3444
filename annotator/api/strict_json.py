"""A JSON parser that refuses what the database or a reader downstream would choke on.

Refused with 400: more than 2 MB, depth over 20, duplicate keys, NaN and infinities, NUL characters,
lone surrogates, anything but an object at the top.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from annotator.errors import TooLarge

# A string is one alternative, so that brackets inside strings do not count.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for found in _STRUCTURE.finditer(body):
        first = found.group()[:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The key {twice[:80]!r} appears twice in one object.")
    return found


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ParseError(f"The number {word[:40]} is too large.")
    return number


def _refuse_constant(word: str) -> float:
    raise ParseError(f"{word} is not a JSON number.")


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ParseError("Text with NUL characters or lone surrogates is not accepted.")


def _check_texts(found: object) -> None:
    if isinstance(found, str):
        _check_text(found)
    elif isinstance(found, dict):
        for name, inner in found.items():
            _check_text(name)
            _check_texts(inner)
    elif isinstance(found, list):
        for inner in found:
            _check_texts(inner)


def parse_object(body: bytes) -> dict[str, object]:
    """The object in `body`. Raises ParseError (400) with the reason."""
    if _depth(body) > settings.MAX_JSON_DEPTH:
        raise ParseError(f"JSON deeper than {settings.MAX_JSON_DEPTH} levels is not accepted.")
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise ParseError(f"Not JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise ParseError(f"A JSON object is expected, not {type(found).__name__}.")
    if b"\\u" in body:  # only an escape can spell these once the bytes are valid UTF-8
        _check_texts(found)
    return found


class StrictJsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge(f"The body is larger than {settings.MAX_BODY_BYTES:,} bytes.")
        return parse_object(body)
