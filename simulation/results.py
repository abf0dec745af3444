"""What a team did, in numbers: one JSON line for people and programs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simulation.client import Tally
from simulation.masking import Outcome


@dataclass
class TeamReport:
    """Everything a run tells; filled while the team works."""

    people: int
    seed: int
    tally: Tally
    outcomes: list[Outcome] = field(default_factory=list)
    images_submitted: int = 0
    decode_ms: list[float] = field(default_factory=list)
    real_seconds: float = 0.0
    stopped: list[str] = field(default_factory=list)  # who could not go on, and why

    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, outcome: Outcome) -> None:
        """One object is done; called by the annotators' threads."""
        with self._lock:
            self.outcomes.append(outcome)

    def note_stop(self, words: str) -> None:
        """Somebody could not go on."""
        with self._lock:
            self.stopped.append(words)

    @property
    def accepted(self) -> list[Outcome]:
        """Objects that got a mask."""
        return [outcome for outcome in self.outcomes if not outcome.given_up]

    @property
    def is_clean(self) -> bool:
        """No request failed, no pair mismatched, everybody finished."""
        return not (self.tally.failed or self.tally.mismatched_pairs or self.stopped)

    def summary(self) -> dict[str, object]:
        """The final JSON. Numbers of masks are about accepted ones, `all_objects` about
        those given up as well; without any they are None."""
        masks = self.accepted
        return {
            "people": self.people,
            "seed": self.seed,
            "images": self.images_submitted,
            "masks": len(masks),
            "masks_per_image": _share(len(masks), self.images_submitted),
            "given_up": len(self.outcomes) - len(masks),
            "clicks_per_mask": _mean([mask.num_clicks for mask in masks]),
            "strokes_per_mask": _mean([mask.num_strokes for mask in masks]),
            "seconds_per_mask": _spread([mask.active_ms / 1000 for mask in masks], 90),
            "iou_after_first_click": _mean([mask.first_iou for mask in masks]),
            "iou_at_acceptance": _spread([mask.iou for mask in masks], 10),
            "all_objects": {
                "clicks": _mean([one.num_clicks for one in self.outcomes]),
                "strokes": _mean([one.num_strokes for one in self.outcomes]),
                "seconds": _mean([one.active_ms / 1000 for one in self.outcomes]),
                "iou": _mean([one.iou for one in self.outcomes]),
            },
            "requests": self.tally.requests,
            "failed_requests": self.tally.failed,
            "mismatched_pairs_refused": self.tally.mismatched_pairs,
            "stopped": self.stopped,
            "real": {
                "seconds": round(self.real_seconds, 1),
                "decode_ms": _spread(self.decode_ms, 90),
            },
        }


def _share(count: int, total: int) -> float | None:
    return round(count / total, 3) if total else None


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _spread(values: Sequence[float], percentile: int) -> dict[str, float | None]:
    """Mean, median and one percentile."""
    if not values:
        return {"mean": None, "median": None, f"p{percentile}": None}
    return {
        "mean": _mean(values),
        "median": round(float(np.median(values)), 3),
        f"p{percentile}": round(float(np.percentile(values, percentile)), 3),
    }
