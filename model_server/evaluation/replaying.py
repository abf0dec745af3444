"""Recorded interactions done again: what a person clicked then, answered by another network now.

The prompts go to the network exactly as the page sent them, in their order. When they are used up and the
mask is not yet good, clicks of the standard simulation follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common import rle
from common.metrics import CLICK_LIMIT, Click, Mask, iou, next_click, number_of_clicks
from common.model_frame import prompt_arrays
from model_server.sam.predictor import Candidate, Embedding, Predictor

TARGET = 0.90


@dataclass(frozen=True)
class Prompt:
    """Everything told to the network about an object at one moment."""

    clicks: tuple[Click, ...] = ()
    box: tuple[float, float, float, float] | None = None  # x0 y0 x1 y1, image pixels
    feeds_back: bool = False  # whether the logits chosen before are handed on
    token: int | None = None  # of the candidate that the person chose for this prompt

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer."""
        return not self.clicks and self.box is None


class Answerer(Protocol):
    """Answers the prompts of one object, one after the other."""

    def __call__(self, prompt: Prompt) -> Mask:
        """The mask [H, W] a person would see."""


@dataclass(frozen=True)
class Replay:
    """What came of one object: its IoU with the accepted mask after each prompt."""

    ious: tuple[float, ...]  # the recorded prompts first, simulated clicks behind
    num_recorded: int
    first_counts: str  # RLE of the mask after the first prompt
    wrong_px: int  # of the answer to all recorded prompts: what a brush would have to change

    @property
    def first_iou(self) -> float:
        """IoU after the first prompt."""
        return self.ious[0]

    @property
    def num_clicks(self) -> int:
        """Prompts until `TARGET` was first reached, the limit if never."""
        return number_of_clicks(self.ious, TARGET)


def prompts_of(acts: Sequence[dict[str, Any]]) -> list[Prompt]:
    """The prompts that recorded acts lead to, in order: those that a decoder had to answer.

    A point that is moved or removed, or a second box, starts without earlier logits, as in the page.
    """
    prompts: list[Prompt] = []
    now = Prompt()
    for act in acts:
        if act["kind"] == "candidate":
            prompts[-1:] = [replace(last, token=act["token"]) for last in prompts[-1:]]
            continue
        now = _after(now, act)
        if not now.is_empty:
            prompts.append(replace(now, feeds_back=now.feeds_back and bool(prompts)))
    return prompts


def replay(answer: Answerer, prompts: Sequence[Prompt], accepted: Mask) -> Replay:
    """Do `prompts` (at least one) again; `accepted` is the mask [H, W] that the person wanted."""
    masks = [answer(prompt) for prompt in prompts]
    ious = [iou(mask, accepted) for mask in masks]
    ious += _simulate(answer, prompts[-1], masks[-1], accepted, ious)
    return Replay(
        ious=tuple(ious),
        num_recorded=len(prompts),
        first_counts=rle.encode(masks[0]),
        wrong_px=int(np.count_nonzero(masks[-1] ^ accepted)),
    )


class NetworkAnswerer:
    """A network behind the answers about one object."""

    def __init__(self, predictor: Predictor, embedding: Embedding) -> None:
        self.predictor = predictor
        self.embedding = embedding
        self.logits: NDArray[np.float32] | None = None

    def __call__(self, prompt: Prompt) -> Mask:
        """The candidate of the recorded token if it is offered, else the one of highest predicted IoU."""
        coords, marks = prompt_arrays(
            points=np.array([[click.x, click.y] for click in prompt.clicks], np.float64),
            labels=np.array([click.label for click in prompt.clicks], np.float64),
            box=None if prompt.box is None else np.array(prompt.box, np.float64),
            frame=self.embedding.frame,
        )
        fed = self.logits[None] if prompt.feeds_back and self.logits is not None else None
        (candidates,) = self.predictor.predict_arrays(
            self.embedding, coords[None], marks[None], fed
        )
        chosen = _chosen(candidates, prompt.token)
        self.logits = chosen.low_res_logits
        return chosen.mask


def _after(before: Prompt, act: dict[str, Any]) -> Prompt:
    clicks = list(before.clicks)
    feeds_back = True
    box = before.box
    match act["kind"]:
        case "point":
            clicks.append(Click(act["x"], act["y"], act["label"]))
        case "point_moved":
            clicks[act["index"]] = Click(act["x"], act["y"], clicks[act["index"]].label)
            feeds_back = False
        case "point_removed":
            del clicks[act["index"]]
            feeds_back = False
        case "box":
            feeds_back = box is None
            x0, y0, x1, y1 = act["box"]
            box = (x0, y0, x1, y1)
    return Prompt(tuple(clicks), box, feeds_back)


def _simulate(
    answer: Answerer, last: Prompt, mask: Mask, accepted: Mask, ious: Sequence[float]
) -> list[float]:
    """IoU after each simulated click, until the target is reached or the limit of clicks."""
    if max(ious) >= TARGET:
        return []
    found: list[float] = []
    prompt = last
    while len(ious) + len(found) < CLICK_LIMIT:
        click = next_click(mask, accepted, prompt.clicks)
        if click is None:
            break
        prompt = Prompt((*prompt.clicks, click), prompt.box, feeds_back=True)
        mask = answer(prompt)
        found.append(iou(mask, accepted))
        if found[-1] >= TARGET:
            break
    return found


def _chosen(candidates: Sequence[Candidate], token: int | None) -> Candidate:
    return next((one for one in candidates if one.token == token), candidates[0])
