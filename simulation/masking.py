"""One object from the look that finds it to its mask on the server, act by act in simulated time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from common.decoding import OpenImage
from common.metrics import Click, Mask
from simulation.behaviour import Behaviour, Clock, Draws
from simulation.hand import Accept, GiveUp, Hand, next_act
from simulation.log import InteractionLog
from simulation.saves import MaskSaves
from simulation.strokes import Stroke


@dataclass(frozen=True)
class Outcome:
    """What became of one object."""

    image: str  # id
    number: int  # of the reference mask within its image, from 0
    mask: str  # id
    version: int  # 0: nothing was kept
    sha256: str  # of the counts that the server acknowledged
    given_up: bool
    num_clicks: int
    num_strokes: int
    painted_px: int
    erased_px: int
    active_ms: int  # simulated, since the end of the object before or the opening of the image
    first_iou: float  # after the first click
    iou: float  # at the end
    prompts: tuple[dict[str, object], ...]


@dataclass
class Masking:
    """The work on one object; `run` does it."""

    image: str
    number: int
    reference: Mask
    opened: OpenImage
    behaviour: Behaviour
    draws: Draws
    clock: Clock
    log: InteractionLog
    saves: MaskSaves
    decode_ms: list[float] = field(default_factory=list)  # real, of this machine
    _painted_px: int = 0
    _erased_px: int = 0

    def run(self) -> Outcome:
        """Work until the mask is accepted or given up. Raises `client.Refused`."""
        hand = Hand(self.reference)
        began_ms = self.clock.now_ms
        self._spend(self.behaviour.perception_s)
        is_given_up = self._work_until_settled(hand, began_ms)
        self._spend(self.behaviour.key_s)
        self._finish(hand, is_given_up=is_given_up)
        return Outcome(
            image=self.image,
            number=self.number,
            mask=self.saves.mask,
            version=self.saves.version,
            sha256=self.saves.sha256,
            given_up=is_given_up,
            num_clicks=len(hand.clicks),
            num_strokes=len(hand.strokes),
            painted_px=self._painted_px,
            erased_px=self._erased_px,
            active_ms=self.clock.now_ms - began_ms,
            first_iou=hand.ious[0] if hand.ious else 0.0,
            iou=hand.iou,
            prompts=tuple(hand.prompts),
        )

    def _work_until_settled(self, hand: Hand, began_ms: int) -> bool:
        """Click and paint until the person accepts (False) or gives up (True)."""
        saved_ms = self.clock.now_ms
        while True:
            elapsed_ms = self.clock.now_ms - began_ms
            act = next_act(hand, self.behaviour, self.draws, elapsed_ms=elapsed_ms)
            if isinstance(act, Accept | GiveUp):
                return isinstance(act, GiveUp)
            if isinstance(act, Click):
                self._click(hand, act)
                self._spend(self.behaviour.judging_s)
            else:
                self._paint(hand, act)
            if self.clock.now_ms - saved_ms >= 1000 * self.behaviour.draft_every_s:
                self.saves.save(hand, state="draft", in_hand=True)
                saved_ms = self.clock.now_ms

    def _click(self, hand: Hand, click: Click) -> None:
        self._spend(self.behaviour.pointing_s)
        place = {"x": click.x, "y": click.y, "label": click.label}
        self._record("point", **place, index=len(hand.clicks))
        feed = hand.feed
        hand.click(click)
        began = time.perf_counter()
        candidates = self.opened.decode(hand.clicks, feed)
        self.decode_ms.append(1000 * (time.perf_counter() - began))
        hand.answer(candidates)
        waited_ms = self._spend(self.behaviour.decoding_s)
        self._record("decode", latency_ms=waited_ms, predicted_iou=candidates[0].predicted_iou)

    def _paint(self, hand: Hand, stroke: Stroke) -> None:
        behaviour = self.behaviour
        if not hand.strokes:
            self._spend(behaviour.homing_s + behaviour.key_s)  # B
        self._spend(behaviour.pointing_s)
        took_ms = self._spend(behaviour.drag_s(stroke.num_pieces, stroke.length))
        painted_px, erased_px = hand.paint(stroke)
        self._painted_px += painted_px
        self._erased_px += erased_px
        pixels = {"painted_px": painted_px, "erased_px": erased_px}
        self._record("stroke", **stroke.facts(), duration_ms=took_ms, **pixels)

    def _finish(self, hand: Hand, *, is_given_up: bool) -> None:
        """As the page: what is given up stays as a draft; without any pixel nothing is kept."""
        answer: dict[str, object] = {}
        if hand.chosen is not None:
            answer = {"token": hand.chosen.token, "predicted_iou": hand.chosen.predicted_iou}
        self._record("give_up" if is_given_up else "accept", **answer)
        if hand.mask.any():
            state = "draft" if is_given_up else "accepted"
            self.saves.save(hand, state=state, given_up=is_given_up)
        else:
            self.saves.drop()

    def _spend(self, median_s: float) -> int:
        """Let a drawn time pass; returns it in milliseconds."""
        took_ms = self.draws.time_ms(median_s)
        self.clock.spend(took_ms)
        return took_ms

    def _record(self, kind: str, **detail: object) -> None:
        self.log.record(kind, self.saves.mask, **detail)
