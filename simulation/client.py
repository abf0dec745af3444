"""The API as one signed-in person uses it, with the page's retries; every failure is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.http_session import HttpSession, Reply

API = "/api/v1"
TRIES = 6
FIRST_WAIT_S = 0.25  # doubled each time, as the page's
ASK_AGAIN_S = 1.5  # the page's, while an embedding is being made
ASK_AGAIN_TIMES = 200
WORTH_REPEATING = frozenset({429, 500, 502, 503, 504})
FAILURES_KEPT = 20


class Refused(Exception):
    """The server did not do what was asked, for good or too often."""


@dataclass
class Tally:
    """What the whole team saw of the server; shared by its threads."""

    requests: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)  # the first ones, in words
    mismatched_pairs: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_request(self) -> None:
        """One request was sent."""
        with self._lock:
            self.requests += 1

    def note_failure(self, words: str) -> None:
        """A request had no answer, or another than it should."""
        with self._lock:
            self.failed += 1
            if len(self.failures) < FAILURES_KEPT:
                self.failures.append(words)

    def note_mismatch(self) -> None:
        """A model and an embedding that do not fit each other were refused."""
        with self._lock:
            self.mismatched_pairs += 1


@dataclass
class Client:
    """One person's requests. For one thread at a time."""

    session: HttpSession
    tally: Tally
    first_wait_s: float = FIRST_WAIT_S

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Reply:
        """The same request until it is answered as expected.

        Raises:
            Refused: another answer that will not change, or `TRIES` failures in a row.
        """
        for attempt in range(TRIES):
            self.tally.note_request()
            try:
                reply = self.session.request(method, path, body, headers=headers)
            except OSError as error:
                words = f"{method} {path}: no answer ({error})"
            else:
                if reply.status in expected:
                    return reply
                words = f"{method} {path}: {reply.status} {_text(reply.content)}"
                if reply.status not in WORTH_REPEATING:
                    self.tally.note_failure(words)
                    raise Refused(words)
            self.tally.note_failure(words)
            time.sleep(self.first_wait_s * 2**attempt)
        raise Refused(words)

    def get(self, path: str) -> Any:
        """The JSON at a path below the API."""
        return self.send("GET", API + path).json()

    def get_bytes(self, path: str) -> bytes:
        """The bytes at an address that the API gave."""
        return self.send("GET", path).content

    def post(self, path: str, body: object = None, *, expected: tuple[int, ...] = (200,)) -> Any:
        """The JSON answer to a POST below the API; None for 204."""
        body = {} if body is None else body
        return self.send("POST", API + path, body, expected=expected).json()

    def wait_for_bytes(self, path: str) -> bytes:
        """Bytes that the server may still be making (409 until then)."""
        for _ in range(ASK_AGAIN_TIMES):
            reply = self.send("GET", path, expected=(200, 409))
            if reply.status == 200:
                return reply.content
            time.sleep(ASK_AGAIN_S)
        raise Refused(f"GET {path}: still not ready")


def _text(content: bytes) -> str:
    return content[:300].decode(errors="replace")
