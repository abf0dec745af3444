"""Saving one mask as the page does: drafts of what is in hand now and then, at the end the mask."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from common import rle
from simulation.client import API, Client, Refused
from simulation.hand import Hand

IN_HAND = {"kind": "in_hand"}


@dataclass
class MaskSaves:
    """The saves of one mask, each based on the version before."""

    client: Client
    assignment: dict[str, Any]
    order_index: int
    mask: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 0
    sha256: str = ""  # of the counts that the server acknowledged last

    def save(
        self, hand: Hand, *, state: str, given_up: bool = False, in_hand: bool = False
    ) -> None:
        """PUT the mask in hand.

        Raises:
            Refused: the server says no, or echoes another mask than was sent.
        """
        height, width = hand.mask.shape
        counts = rle.encode(hand.mask)
        model = self.assignment["model"]
        body = {
            "save_id": str(uuid.uuid4()),
            "image": self.assignment["image"]["id"],
            "assignment": self.assignment["id"],
            "state": state,
            "rle": {"size": [height, width], "counts": counts},
            "model_version": model["id"] if hand.chosen else None,
            "predicted_iou": hand.chosen.predicted_iou if hand.chosen else None,
            "order_index": self.order_index,
            "prompts": [*hand.prompts, IN_HAND] if in_hand else hand.prompts,
            "given_up": given_up,
        }
        reply = self._send("PUT", body)
        if reply["sha256"] != rle.counts_sha256(counts) or reply["version"] != self.version + 1:
            raise Refused(f"sent {rle.counts_sha256(counts)}, the server holds {reply}")
        self.version, self.sha256 = reply["version"], reply["sha256"]

    def drop(self) -> None:
        """Delete the draft, if there is one. Raises `Refused`."""
        if self.version:
            self._send("DELETE", {"save_id": str(uuid.uuid4())})
            self.version, self.sha256 = 0, ""

    def _send(self, method: str, body: dict[str, object]) -> dict[str, Any]:
        """A change based on the version known last; the server's description of the mask."""
        condition = {"If-Match": f'"{self.version}"'} if self.version else {"If-None-Match": "*"}
        path = f"{API}/masks/{self.mask}"
        reply = self.client.send(method, path, body, headers=condition, expected=(200, 201))
        described: dict[str, Any] = reply.json()
        return described
