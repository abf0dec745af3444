"""The behaviour model by hand: times, decisions, clicks, and one object with a clock that can be foretold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from common import rle
from common.decoding import Array, Candidate
from common.metrics import Click, Mask, error_depth
from simulation.behaviour import Behaviour, Clock, Draws
from simulation.client import Client, Tally
from simulation.hand import Accept, GiveUp, Hand, has_stalled, next_act, next_click_near
from simulation.http_session import Reply
from simulation.log import InteractionLog
from simulation.masking import Masking, Outcome
from simulation.saves import MaskSaves
from simulation.strokes import Stroke

EXACT = replace(Behaviour(), spread=0.0)  # every time is its median
SHAPE = (40, 60)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def candidate(mask: Mask, predicted_iou: float = 0.8) -> Candidate:
    return Candidate(1, predicted_iou, np.zeros((4, 4), np.float32), mask)


def draws(number: int = 0, *, seed: int = 7, spread: float = 0.35, person: str = "") -> Draws:
    return Draws(seed, "ab" * 32, number, spread=spread, person=person)


def answered(reference: Mask, *masks: Mask) -> Hand:
    """A hand after clicks that were answered with these masks."""
    hand = Hand(reference)
    for number, mask in enumerate(masks):
        hand.click(Click(number, 0, 1))
        hand.answer([candidate(mask)])
    return hand


def test_the_same_seed_draws_the_same_times_and_others_draw_others() -> None:
    def drawn(one: Draws) -> list[int]:
        return [one.time_ms(1.0) for _ in range(8)] + [one.below(1000) for _ in range(8)]

    assert drawn(draws()) == drawn(draws())
    assert drawn(draws()) != drawn(draws(seed=8))
    assert drawn(draws()) != drawn(draws(number=1))
    assert drawn(draws(person="person 1")) == drawn(draws(person="person 1"))
    assert drawn(draws(person="person 1")) != drawn(draws(person="person 2"))


def test_times_are_log_normal_around_their_median() -> None:
    one = draws()
    times = np.array([one.time_ms(1.35) for _ in range(4000)])
    assert times.min() > 0
    assert np.median(times) == pytest.approx(1350, rel=0.03)
    assert np.log(times).std() == pytest.approx(0.35, rel=0.05)


def test_a_drag_takes_time_for_each_piece_and_centimetre() -> None:
    behaviour = replace(EXACT, px_per_cm=40.0)
    assert behaviour.drag_s(1, 0.0) == 0.9
    assert behaviour.drag_s(3, 200.0) == pytest.approx(3 * 0.9 + 5 * 0.16)


def test_a_clock_only_goes_on() -> None:
    clock = Clock()
    assert (clock.spend(1350), clock.spend(0), clock.spend(7)) == (1350, 1350, 1357)
    with pytest.raises(ValueError, match="-1 ms"):
        clock.spend(-1)


def test_a_click_lies_well_inside_the_larger_error() -> None:
    reference, mask = rectangle(5, 5, 45, 25), rectangle(25, 5, 55, 25)
    hand = answered(reference, mask)
    depth, label = error_depth(mask, reference, hand.clicks)
    places = set()
    for number in range(30):
        click = next_click_near(hand, EXACT, draws(number))
        assert click is not None
        assert click.label == label == 1
        assert depth[click.y, click.x] > 5  # half of the deepest, which is 10
        places.add((click.x, click.y))
    assert len(places) > 20, "not always the same pixel"


def test_a_person_accepts_clicks_paints_or_gives_up() -> None:
    reference = rectangle(10, 10, 30, 20)  # 200 pixels
    nine_tenths, half = rectangle(10, 10, 28, 20), rectangle(10, 10, 20, 20)

    def act(hand: Hand, seconds: float = 3) -> object:
        return next_act(hand, EXACT, draws(), elapsed_ms=round(1000 * seconds))

    assert isinstance(act(Hand(reference)), Click)
    assert act(answered(reference, nine_tenths), 31) == Accept()
    assert isinstance(act(answered(reference, half), 29.999), Click)
    assert act(answered(reference, half), 30) == GiveUp()
    stalled = answered(reference, *[half] * 3)
    assert isinstance(act(stalled), Stroke)
    painting = answered(reference, half)
    painting.paint(Stroke("brush", 1, ((25, 15),)))
    assert isinstance(act(painting), Stroke), "whoever took the brush goes on with it"


def test_two_clicks_with_little_gain_are_a_stall() -> None:
    assert not has_stalled([0.5, 0.5], EXACT)
    assert has_stalled([0.5, 0.5, 0.5], EXACT)
    assert has_stalled([0.5, 0.4, 0.54], EXACT)
    assert not has_stalled([0.5, 0.4, 0.56], EXACT)


def test_painted_pixels_are_in_the_mask_and_counted() -> None:
    reference = rectangle(10, 10, 30, 20)
    hand = answered(reference, rectangle(10, 10, 20, 20))
    assert hand.paint(Stroke("brush", 3, ((25, 12), (25, 16)))) == (21, 0)  # 3 wide, 7 high
    assert hand.mask[12, 24:27].all()
    assert hand.paint(Stroke("eraser", 1, ((10, 10),))) == (0, 1)
    assert not hand.mask[10, 10]
    assert hand.prompts[-1] == {
        "kind": "stroke", "mode": "eraser", "shape": "circle", "size": 1, "points": [[10, 10]],
    }  # fmt: skip


# ---- one object on a clock that can be foretold --------------------------------------------------


@dataclass
class Paper:
    """In the place of a server: keeps what is sent and acknowledges masks as the API does."""

    sent: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    def request(self, method: str, path: str, body: Any, *, headers: Any = None) -> Reply:
        self.sent.append((method, path, body, headers or {}))
        told: dict[str, Any] = {"stored": 0}
        if "masks" in path and method == "PUT":
            from_version = int((headers or {}).get("If-Match", '"0"').strip('"'))
            counts = body["rle"]["counts"]
            told = {"version": from_version + 1, "sha256": rle.counts_sha256(counts)}
        return Reply(200, {}, json.dumps(told).encode())


@dataclass
class Scripted:
    """In the place of an open image: answers each click with the next mask."""

    masks: list[Mask]
    fed: list[bool] = field(default_factory=list)

    def decode(self, clicks: Sequence[Click], previous: Array | None) -> list[Candidate]:
        self.fed.append(previous is not None)
        return [candidate(self.masks[min(len(clicks), len(self.masks)) - 1])]


def work_on(
    reference: Mask, masks: list[Mask], behaviour: Behaviour = EXACT
) -> tuple[Outcome, Paper, list[dict[str, Any]], Scripted]:
    """The outcome of one object, everything sent, and the interactions in it."""
    paper, clock, script = Paper(), Clock(), Scripted(masks)
    client = Client(paper, Tally())  # type: ignore[arg-type]
    log = InteractionLog(client, clock, every_ms=2000)
    log.open("the-assignment")
    assignment = {
        "id": "the-assignment",
        "image": {"id": "the-image"},
        "model": {"id": "the-model"},
    }
    outcome = Masking(
        image="the-image",
        number=0,
        reference=reference,
        opened=script,  # type: ignore[arg-type]
        behaviour=behaviour,
        draws=draws(spread=behaviour.spread),
        clock=clock,
        log=log,
        saves=MaskSaves(client, assignment, order_index=3),
    ).run()
    log.flush()
    batches = [body for _, path, body, _ in paper.sent if path.endswith("/interactions")]
    return outcome, paper, [one for batch in batches for one in batch["interactions"]], script


def test_one_good_click_takes_as_long_as_its_parts() -> None:
    reference = rectangle(10, 10, 30, 20)
    outcome, paper, log, _ = work_on(reference, [reference])
    # 1350 to find it; 1300 to click; 100 to decode; 1350 to judge; 200 for the key.
    assert [(one["kind"], one["at_ms"]) for one in log] == [
        ("open", 0), ("point", 2650), ("decode", 2750), ("accept", 4300),
    ]  # fmt: skip
    assert [one["seq"] for one in log] == [0, 1, 2, 3]
    assert log[2]["detail"]["latency_ms"] == 100
    assert (outcome.active_ms, outcome.num_clicks, outcome.iou) == (4300, 1, 1.0)
    assert not outcome.given_up
    puts = [(body["state"], headers) for method, _, body, headers in paper.sent if method == "PUT"]
    # 2750 ms after the look that found it two seconds were over: the page saved a draft.
    assert puts == [("draft", {"If-None-Match": "*"}), ("accepted", {"If-Match": '"1"'})]
    assert outcome.version == 2


def test_logits_are_fed_back_from_the_second_click_on() -> None:
    reference = rectangle(10, 10, 30, 20)
    _, _, _, script = work_on(reference, [rectangle(10, 10, 20, 20), reference])
    assert script.fed == [False, True]


def test_a_brush_makes_what_clicks_do_not() -> None:
    reference = rectangle(10, 10, 30, 20)
    outcome, paper, log, _ = work_on(reference, [rectangle(10, 10, 20, 20)])
    assert (outcome.num_clicks, outcome.given_up) == (3, False)
    assert outcome.num_strokes > 0
    assert outcome.iou >= EXACT.good_enough_iou
    assert outcome.painted_px == sum(one["detail"].get("painted_px", 0) for one in log)
    assert outcome.erased_px == 0
    [*_, last] = [body for method, _, body, _ in paper.sent if method == "PUT"]
    assert last["state"] == "accepted"
    assert [prompt["kind"] for prompt in last["prompts"]][:4] == ["point"] * 3 + ["stroke"]


def test_what_takes_half_a_minute_is_left_as_a_draft() -> None:
    slow = replace(EXACT, judging_s=9.0)
    outcome, paper, log, _ = work_on(rectangle(10, 10, 30, 20), [rectangle(10, 10, 20, 20)], slow)
    assert outcome.given_up
    assert log[-1]["kind"] == "give_up"
    # 1350 + 3 * (1300 + 100 + 9000) = 32550, then the key.
    assert outcome.active_ms == 32750
    [*_, last] = [body for method, _, body, _ in paper.sent if method == "PUT"]
    assert (last["state"], last["given_up"]) == ("draft", True)


def test_of_an_empty_mask_that_was_given_up_nothing_is_kept() -> None:
    slow = replace(EXACT, judging_s=9.0)
    outcome, paper, _, _ = work_on(rectangle(10, 10, 30, 20), [rectangle(0, 0, 0, 0)], slow)
    assert (outcome.given_up, outcome.version) == (True, 0)
    assert [method for method, path, _, _ in paper.sent if "masks" in path][-1] == "DELETE"
