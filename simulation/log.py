"""The interaction log of one page load, in simulated time, sent in batches as the page sends it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from simulation.behaviour import Clock
from simulation.client import Client

MOST_PER_BATCH = 200


@dataclass
class InteractionLog:
    """Numbers interactions within the page without gaps, across its images."""

    client: Client
    clock: Clock
    every_ms: int
    page: str = field(default_factory=lambda: str(uuid.uuid4()))
    _assignment: str = ""
    _sequence: int = 0
    _sent_ms: int = 0
    _waiting: list[dict[str, object]] = field(default_factory=list)

    def open(self, assignment: str) -> None:
        """The interactions that follow belong to this assignment; nothing may wait."""
        self._assignment = assignment
        self.record("open")

    def record(self, kind: str, mask: str | None = None, **detail: object) -> None:
        """Write one interaction down, now by the simulated clock; send what waits when it is time."""
        self._waiting.append(
            {
                "id": str(uuid.uuid4()),
                "seq": self._sequence,
                "kind": kind,
                "mask": mask,
                "at_ms": self.clock.now_ms,
                "detail": detail,
            }
        )
        self._sequence += 1
        if self.clock.now_ms - self._sent_ms >= self.every_ms:
            self.flush()

    def flush(self) -> None:
        """Send everything that waits."""
        while self._waiting:
            batch = self._waiting[:MOST_PER_BATCH]
            body = {"assignment": self._assignment, "page": self.page, "interactions": batch}
            self.client.post("/interactions", body)
            del self._waiting[: len(batch)]
        self._sent_ms = self.clock.now_ms
