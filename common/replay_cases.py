"""What annotators did, to be done again on another model: one JSON line per accepted mask, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.json_lines import content_key, write_lines

COMPARISON_NAME = "comparison.json"  # what became of the cases on two networks

# Marks of prompts that were answered in another way
NOT_REPLAYED = frozenset({"crop", "with_mask_box", "at_click_only"})

Act = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReplayCase:
    """One accepted mask at one version, with the prompts that led to it.

    `counts` is COCO compressed RLE of `height` x `width`; `acts` are as `read_acts` returns them.
    """

    mask_id: str
    version: int
    image_sha256: str
    image_key: str
    height: int
    width: int
    group: str  # what numbers are broken down by: the id of the project
    is_held_out: bool
    counts: str
    acts: list[Act]
    painted_px: int  # pixels that brush and eraser changed, as the page measured them


def read_acts(prompts: Sequence[object], *, height: int, width: int) -> list[Act] | None:
    """The prompts of a mask that tell a decoder something, without strokes and without what is not needed.

    A page sent them, so each is checked: None when one makes no sense, or when there is no point and no box. One that
    was answered in a crop is not replayed either: on the whole picture it would be another question. Nor is one of
    whose answer only the pieces at the clicks were taken: the mask is not what the model said. Nor one that went
    with the box of an opened mask: the model was told more than the prompts.
    """
    acts: list[Act] = []
    num_points = 0
    for prompt in prompts:
        if not isinstance(prompt, dict) or not NOT_REPLAYED.isdisjoint(prompt):
            return None
        kind = prompt.get("kind")
        if kind == "stroke":
            continue
        act = _read_act(prompt, num_points=num_points, height=height, width=width)
        if act is None:
            return None
        num_points += {"point": 1, "point_removed": -1}.get(str(kind), 0)
        acts.append(act)
    return acts if any(act["kind"] in {"point", "box"} for act in acts) else None


def write_cases(cases: Iterable[ReplayCase]) -> bytes:
    """The same cases give the same bytes in whatever order they come."""
    ordered = sorted(cases, key=lambda case: (case.image_sha256, case.mask_id))
    return write_lines(asdict(case) for case in ordered)


def read_cases(content: bytes) -> Iterator[ReplayCase]:
    """The cases of a file, in its order."""
    for line in content.splitlines():
        yield ReplayCase(**json.loads(line))


def cases_key(content: bytes) -> str:
    """Storage key of a file of cases: its content's hash."""
    return content_key("replays", content)


def _read_act(prompt: Act, *, num_points: int, height: int, width: int) -> Act | None:
    kind = prompt.get("kind")
    x, y, index = (prompt.get(name) for name in ("x", "y", "index"))
    is_inside = _is_whole(x, width) and _is_whole(y, height)
    if kind == "point" and is_inside and _is_whole(prompt.get("label"), 2):
        return {"kind": kind, "x": x, "y": y, "label": prompt["label"]}
    if kind == "point_moved" and is_inside and _is_whole(index, num_points):
        return {"kind": kind, "index": index, "x": x, "y": y}
    if kind == "point_removed" and _is_whole(index, num_points):
        return {"kind": kind, "index": index}
    if kind == "candidate" and _is_whole(prompt.get("token"), 4):
        return {"kind": kind, "token": prompt["token"]}
    if kind == "box" and _is_box(prompt.get("box"), height=height, width=width):
        return {"kind": kind, "box": prompt["box"]}
    return None


def _is_whole(value: object, end: int) -> bool:
    """Whether it is a whole number from 0 to before `end`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < end


def _is_box(value: object, *, height: int, width: int) -> bool:
    """Whether it is x0, y0, x1, y1 in image pixels."""
    if not isinstance(value, list) or len(value) != 4:
        return False
    if not all(type(side) in {int, float} for side in value):
        return False
    x0, y0, x1, y1 = value
    return bool(0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height)
