"""Bodies are refused by size before anything reads them."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from annotator.middleware import ISOLATION_HEADERS, BodyLimit

UPLOAD = f"/api/v1/projects/{uuid.uuid4()}/images"


def ask(path: str, blocks: list[bytes], *, declared: str | None) -> list[dict[str, Any]]:
    """What a limit of 100 bytes (1,000 for uploads) answers; the application inside echoes the size."""
    waiting = [
        {"type": "http.request", "body": block, "more_body": number < len(blocks) - 1}
        for number, block in enumerate(blocks)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    headers = [] if declared is None else [(b"content-length", declared.encode())]
    limit = BodyLimit(inner, limit=100, upload_limit=1000)
    asyncio.run(limit({"type": "http", "path": path, "headers": headers}, receive, send))
    return sent


def test_a_body_within_the_limit_passes() -> None:
    start, body = ask("/api/v1/me", [b"x" * 60, b"x" * 40], declared="100")
    assert (start["status"], body["body"]) == (200, b"100")


@pytest.mark.parametrize("declared", ["101", "-1", "many"])
def test_a_declared_size_over_the_limit_is_413_before_reading(declared: str) -> None:
    start, body = ask("/api/v1/me", [], declared=declared)
    assert start["status"] == 413
    assert json.loads(body["body"])["error"]["code"] == "too_large"
    names = {name for name, _ in start["headers"]}
    assert {name.lower().encode() for name in ISOLATION_HEADERS} <= names


def test_a_body_that_grows_over_the_limit_is_413_too() -> None:
    start, _ = ask("/api/v1/me", [b"x" * 60, b"x" * 41], declared=None)
    assert start["status"] == 413


def test_uploads_have_a_limit_of_their_own() -> None:
    assert ask(UPLOAD, [b"x" * 1000], declared="1000")[0]["status"] == 200
    assert ask(UPLOAD, [b"x" * 1001], declared="1001")[0]["status"] == 413
    assert ask(f"{UPLOAD}/else", [b"x" * 101], declared="101")[0]["status"] == 413
