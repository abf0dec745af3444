"""Annotators who save masks through the public API as the browser does, and a ledger of what was promised."""

from __future__ import annotations

import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common import rle
from tests.http_session import HttpSession, Reply


@dataclass(frozen=True)
class Promise:
    """A save that the server answered with a 2xx: from then on it must never be lost."""

    image: str
    mask: str
    version: int
    sha256: str
    state: str


@dataclass(frozen=True)
class StoredMask:
    """What the server shows of a mask."""

    image: str
    mask: str
    version: int
    sha256: str
    state: str


@dataclass
class Ledger:
    """Promises in the order of their arrival; the checker at the end."""

    promises: list[Promise] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, promise: Promise) -> None:
        """Write a promise down."""
        with self._lock:
            self.promises.append(promise)

    def broken(self, stored: Iterable[StoredMask]) -> list[str]:
        """What does not hold: promised and not there, older than promised, other content, listed twice."""
        found: dict[str, StoredMask] = {}
        faults = []
        for mask in stored:
            if mask.mask in found:
                faults.append(f"{mask.mask} is listed twice")
            found[mask.mask] = mask
        for mask_id, promises in self._by_mask().items():
            versions = [promise.version for promise in promises]
            if versions != sorted(set(versions)):
                faults.append(f"{mask_id} was promised the versions {versions}")
            faults += _compare(promises[-1], found.get(mask_id))
        return faults

    def _by_mask(self) -> dict[str, list[Promise]]:
        grouped: dict[str, list[Promise]] = defaultdict(list)
        for promise in self.promises:
            grouped[promise.mask].append(promise)
        return grouped


def _compare(promise: Promise, stored: StoredMask | None) -> list[str]:
    """A later version than the promised one was committed without an answer: allowed."""
    if stored is None:
        return [f"{promise.mask} is lost (version {promise.version} was promised)"]
    if stored.image != promise.image or stored.version < promise.version:
        return [f"{promise.mask}: promised {promise}, found {stored}"]
    if stored.version == promise.version and stored.sha256 != promise.sha256:
        return [f"{promise.mask}: version {promise.version} has another content"]
    return []


class Annotator(threading.Thread):
    """Takes images, draws masks (draft, then accepted), submits; sends again until it is answered.

    `pause_s` passes between two masks.
    """

    def __init__(
        self,
        *,
        session: HttpSession,
        project: str,
        ledger: Ledger,
        seed: int,
        pause_s: float = 0.0,
    ) -> None:
        super().__init__(daemon=True, name=f"annotator {seed}")
        self._session = session
        self._project = project
        self._ledger = ledger
        self._random = random.Random(seed)
        self._leaving = threading.Event()
        self._pause_s = pause_s
        self.surprise: str | None = None

    def leave(self) -> None:
        """Ask to stop after the save under way."""
        self._leaving.set()

    def run(self) -> None:
        """Work until asked to leave; anything unexpected is kept for the test to see."""
        try:
            while not self._leaving.is_set():
                self._annotate_next()
        except Exception as error:
            self.surprise = f"{self.name}: {error!r}"

    def _annotate_next(self) -> None:
        reply = self._send("POST", f"/api/v1/projects/{self._project}/assignments/next", {})
        if reply.status == 204:
            self._leaving.wait(max(0.1, self._pause_s))
            return
        assert reply.status == 200, f"next answered {reply.status}: {reply.content[:300]!r}"
        assignment = reply.json()["assignment"]
        for index in range(self._random.randint(2, 6)):
            if self._leaving.is_set():
                return
            self._draw(assignment, index)
            self._leaving.wait(self._pause_s)
        ended = self._send("POST", f"/api/v1/assignments/{assignment['id']}/submit", {})
        # 409: an earlier try was committed and its answer was lost.
        assert ended.status in (200, 409), f"submit answered {ended.status}"

    def _draw(self, assignment: dict[str, Any], index: int) -> None:
        mask = str(uuid.uuid4())
        for turn, state in enumerate(("draft", "accepted")):
            self._save(assignment, mask, index=index, version=turn, state=state)

    def _save(
        self, assignment: dict[str, Any], mask: str, *, index: int, version: int, state: str
    ) -> None:
        image = assignment["image"]
        counts = self._shape(image["height"], image["width"])
        body = {
            "save_id": str(uuid.uuid4()),
            "image": image["id"],
            "assignment": assignment["id"],
            "state": state,
            "rle": {"size": [image["height"], image["width"]], "counts": counts},
            "model_version": None,
            "predicted_iou": None,
            "order_index": index,
            "prompts": [],
            "given_up": False,
        }
        condition = {"If-Match": f'"{version}"'} if version else {"If-None-Match": "*"}
        reply = self._send("PUT", f"/api/v1/masks/{mask}", body, condition)
        assert reply.status in (200, 201), f"save answered {reply.status}: {reply.content[:300]!r}"
        told = reply.json()
        assert told["sha256"] == rle.counts_sha256(counts), "the server echoed another mask"
        assert told["version"] == version + 1, f"version {version} became {told['version']}"
        self._ledger.note(
            Promise(
                image=image["id"],
                mask=mask,
                version=told["version"],
                sha256=told["sha256"],
                state=told["state"],
            )
        )

    def _shape(self, height: int, width: int) -> str:
        """A rectangle with a bite out of one corner, somewhere in the image."""
        x0, y0 = self._random.randrange(width - 8), self._random.randrange(height - 8)
        x1, y1 = self._random.randint(x0 + 5, width), self._random.randint(y0 + 5, height)
        mask = np.zeros((height, width), dtype=bool)
        mask[y0:y1, x0:x1] = True
        mask[y0 : y0 + 2, x0 : x0 + 3] = False
        return rle.encode(mask)

    def _send(
        self, method: str, path: str, body: object, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send the same bytes until there is an answer that is no outage, as the browser's outbox does."""
        while True:
            reply = try_to_send(self._session, method, path, body, headers)
            if reply is not None:
                return reply
            self._session_pause()

    def _session_pause(self) -> None:
        threading.Event().wait(self._random.uniform(0.02, 0.1))


def try_to_send(
    session: HttpSession,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> Reply | None:
    """The answer, or None when there is none or it tells of an outage: then it is worth sending again."""
    try:
        reply = session.request(method, path, body, headers=headers)
    except OSError:
        return None
    return None if reply.status >= 500 or reply.status == 429 else reply
