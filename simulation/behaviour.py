"""How a simulated annotator behaves: every number in one place, with its source in docs/simulation.md."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import exp

import numpy as np


@dataclass(frozen=True)
class Behaviour:
    """Times are medians in seconds. KLM: the keystroke-level model of Card, Moran and Newell (1980)."""

    perception_s: float = 1.35  # to find the next object and settle on it (KLM's M)
    pointing_s: float = 1.30  # to a place, and the button (KLM's P + K)
    judging_s: float = 1.35  # to compare what the model answered with the object (KLM's M)
    key_s: float = 0.20  # one key (KLM's K)
    homing_s: float = 0.40  # a hand that takes up another tool (KLM's H)
    stroke_s: float = 0.90  # each straight piece of a stroke of the brush (KLM's D) …
    stroke_s_per_cm: float = 0.16  # … and every centimetre of it on the screen
    px_per_cm: float = 96 / 2.54  # a screen of 96 dpi that shows one image pixel on one of its own
    decoding_s: float = 0.10  # a click to pixels in the browser (docs/benchmarks.md)
    spread: float = 0.35  # of the logarithm of each time (our assumption)
    good_enough_iou: float = (
        0.85  # accepts from here on: people agree to 0.85 to 0.91 (the paper, 5)
    )
    click_depth: float = (
        0.5  # clicks anywhere in the error deeper than this share of its depth (RITM)
    )
    stall_clicks: int = 2  # so many clicks in a row …
    stall_gain: float = 0.05  # … that gain less IoU than this: takes the brush (our assumption)
    give_up_s: float = 30.0  # then the object is left (the paper's rule, section 4)
    draft_every_s: float = 2.0  # of the page: so often it saves what is in hand, and sends its log
    images_ahead: int = 3  # of the page: leases and fetches so many images ahead

    def drag_s(self, num_pieces: int, length_px: float) -> float:
        """Median seconds of a stroke of so many straight pieces and image pixels."""
        return self.stroke_s * num_pieces + self.stroke_s_per_cm * length_px / self.px_per_cm


class Draws:
    """The chance in one object's annotation; a function of seed, image and object alone.

    So the same seed gives the same prompts and times, whoever of the team gets the image. Of a
    copy it depends on the `person` too: people who mask the same image differ.
    """

    def __init__(
        self, seed: int, image_sha256: str, number: int, *, spread: float, person: str = ""
    ) -> None:
        name = hashlib.sha256(f"{seed} {image_sha256} {number}{person}".encode()).digest()
        self._random = np.random.default_rng(int.from_bytes(name[:16]))
        self._spread = spread

    def time_ms(self, median_s: float) -> int:
        """A time around its median, log-normal, in whole milliseconds."""
        factor = exp(self._spread * self._random.standard_normal())
        return round(1000 * median_s * factor)

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1, all alike."""
        return int(self._random.integers(count))


@dataclass
class Clock:
    """A person's own time in milliseconds since the page was opened; it only goes on when told."""

    now_ms: int = 0

    def spend(self, ms: int) -> int:
        """Let time pass; returns the time by then. Raises ValueError for a negative time."""
        if ms < 0:
            raise ValueError(f"{ms} ms cannot be spent")
        self.now_ms += ms
        return self.now_ms
