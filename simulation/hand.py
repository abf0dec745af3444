"""The object in an annotator's hand as the page keeps it, and what a person does about it next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from common.decoding import Array, Candidate
from common.metrics import Click, Mask, error_depth, iou
from simulation.behaviour import Behaviour, Draws
from simulation.strokes import Stroke, next_stroke


@dataclass(frozen=True)
class Accept:
    """The mask is good enough."""


@dataclass(frozen=True)
class GiveUp:
    """The object took too long."""


Act = Click | Stroke | Accept | GiveUp


@dataclass
class Hand:
    """One object from the first click to its mask; its prompts are those of the page's provenance."""

    reference: Mask
    mask: Mask = field(init=False)  # as it would be accepted now
    clicks: list[Click] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    chosen: Candidate | None = None
    prompts: list[dict[str, object]] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)  # after each click, with the reference

    def __post_init__(self) -> None:
        self.mask = np.zeros_like(self.reference)

    @property
    def iou(self) -> float:
        """Of the mask in hand with the reference."""
        return iou(self.mask, self.reference)

    @property
    def feed(self) -> Array | None:
        """The logits [L, L] that the next click refines."""
        return None if self.chosen is None else self.chosen.low_res

    def click(self, click: Click) -> None:
        """Put a click into the prompt; `answer` follows."""
        self.clicks.append(click)
        self.prompts.append({"kind": "point", "x": click.x, "y": click.y, "label": click.label})

    def answer(self, candidates: list[Candidate]) -> None:
        """Take the candidate that the page shows first, the one of highest predicted IoU."""
        self.chosen = candidates[0]
        self.mask = self.chosen.mask
        self.ious.append(self.iou)

    def paint(self, stroke: Stroke) -> tuple[int, int]:
        """Brush or erase; returns how many pixels came to the mask and how many went."""
        area = stroke.area(self.mask.shape)
        before = self.mask
        self.mask = before | area if stroke.mode == "brush" else before & ~area
        self.strokes.append(stroke)
        self.prompts.append({"kind": "stroke", **stroke.facts()})
        painted, erased = self.mask & ~before, before & ~self.mask
        return int(np.count_nonzero(painted)), int(np.count_nonzero(erased))


def next_act(hand: Hand, behaviour: Behaviour, draws: Draws, *, elapsed_ms: int) -> Act:
    """What the person does next, `elapsed_ms` after turning to this object.

    Who has taken the brush finishes with it: in the paper brush and eraser come after the clicks.
    """
    if hand.iou >= behaviour.good_enough_iou:
        return Accept()
    if elapsed_ms >= 1000 * behaviour.give_up_s:
        return GiveUp()
    if not hand.strokes and not has_stalled(hand.ious, behaviour):
        click = next_click_near(hand, behaviour, draws)
        if click is not None:
            return click
    return next_stroke(hand.mask, hand.reference) or Accept()


def next_click_near(hand: Hand, behaviour: Behaviour, draws: Draws) -> Click | None:
    """A click well inside the larger error, never on a pixel clicked before; None without one."""
    depth, label = error_depth(hand.mask, hand.reference, hand.clicks)
    deep = np.flatnonzero(depth > behaviour.click_depth * depth.max())
    if deep.size == 0:
        return None
    y, x = divmod(int(deep[draws.below(deep.size)]), depth.shape[1])
    return Click(x, y, label)


def has_stalled(ious: list[float], behaviour: Behaviour) -> bool:
    """Whether the last clicks did not bring the mask on."""
    count = behaviour.stall_clicks
    if len(ious) <= count:
        return False
    return max(ious[-count:]) - max(ious[:-count]) < behaviour.stall_gain
