"""The click simulation: every further click goes where the last mask is most wrong.

All masks of an image advance one click at a time, so that a network can decode them together.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common import rle
from common.metrics import CLICK_LIMIT, Click, Mask, iou, next_click

CLICK_COUNTS = (1, 2, 3, 5, 9)
CURVE_CLICKS = CLICK_COUNTS[-1]  # every mask gets so many clicks
TARGETS = (0.85, 0.90)


@dataclass(frozen=True)
class Guess:
    """A mask [H, W] offered for a prompt, and what its maker thinks of it (if anything)."""

    mask: Mask
    predicted_iou: float | None = None


class Segmenter(Protocol):
    """Answers clicks on the objects of one image."""

    def __call__(
        self, numbers: Sequence[int], clicks: Sequence[Sequence[Click]]
    ) -> list[list[Guess]]:
        """Guesses for each object, the chosen one first, after all its clicks so far.

        `numbers` say which objects, `clicks` are theirs, equally many for each.
        """


@dataclass(frozen=True)
class ScoredGuess:
    """A guess beside the truth."""

    predicted_iou: float | None
    iou: float


@dataclass(frozen=True)
class Trace:
    """What happened to one reference mask, click by click.

    It ends at the limit of clicks, when nothing is wrong any more, or from `CURVE_CLICKS` on
    when the last of `TARGETS` has been reached.
    """

    clicks: tuple[Click, ...]
    chosen: tuple[ScoredGuess, ...]  # the mask taken after each click
    first_guesses: tuple[ScoredGuess, ...]  # all that were offered after the first, chosen first
    counts_at: dict[int, str]  # RLE of the mask after each of CLICK_COUNTS
    seconds: float  # spent answering; a mask's share of answers given together

    @property
    def ious(self) -> list[float]:
        """IoU after each click made."""
        return [guess.iou for guess in self.chosen]

    def iou_at(self, count: int) -> float:
        """IoU after `count` clicks; a trace that ended keeps its last value."""
        return self.chosen[min(count, len(self.chosen)) - 1].iou


@dataclass
class Clicker:
    """The simulated person before one reference mask."""

    reference: Mask
    mask: Mask
    clicks: list[Click] = field(default_factory=list)
    chosen: list[ScoredGuess] = field(default_factory=list)
    first_guesses: tuple[ScoredGuess, ...] = ()
    counts_at: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def click(self, first: Click | None) -> bool:
        """Make the next click (the `first` one may be given); False when there is none to make."""
        satisfied = any(guess.iou >= TARGETS[-1] for guess in self.chosen)
        if satisfied and len(self.clicks) >= CURVE_CLICKS:
            return False
        given = first if not self.clicks else None
        click = given or next_click(self.mask, self.reference, self.clicks)
        if click is None:
            return False
        self.clicks.append(click)
        return True

    def look_at(self, guesses: Sequence[Guess], seconds: float) -> None:
        """Take the answer to the last click."""
        scored = tuple(
            ScoredGuess(guess.predicted_iou, iou(guess.mask, self.reference)) for guess in guesses
        )
        self.mask = guesses[0].mask
        self.chosen.append(scored[0])
        self.first_guesses = self.first_guesses or scored
        self.seconds += seconds
        if len(self.clicks) in CLICK_COUNTS:
            self.counts_at[len(self.clicks)] = rle.encode(self.mask)

    def trace(self) -> Trace:
        """What happened."""
        last = rle.encode(self.mask)
        return Trace(
            clicks=tuple(self.clicks),
            chosen=tuple(self.chosen),
            first_guesses=self.first_guesses,
            counts_at={count: self.counts_at.get(count, last) for count in CLICK_COUNTS},
            seconds=self.seconds,
        )


def click_through(
    segment: Segmenter,
    references: Sequence[Mask],
    first_clicks: Sequence[Click] | None = None,
    *,
    limit: int = CLICK_LIMIT,
) -> list[Trace]:
    """At most `limit` simulated clicks on each of the `references` [H, W], none of them empty.

    The first click is the deepest pixel of the reference unless `first_clicks` are given.
    """
    given: Sequence[Click | None] = first_clicks or [None] * len(references)
    clickers = [Clicker(reference, reference & False) for reference in references]
    for _ in range(limit):
        active = [n for n, clicker in enumerate(clickers) if clicker.click(given[n])]
        if not active:
            break
        started = time.perf_counter()
        answers = segment(active, [clickers[n].clicks for n in active])
        seconds = (time.perf_counter() - started) / len(active)
        for n, guesses in zip(active, answers, strict=True):
            clickers[n].look_at(guesses, seconds)
    return [clicker.trace() for clicker in clickers]
