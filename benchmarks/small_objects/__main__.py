"""`python -m benchmarks.small_objects`: IoU after 1 and 3 clicks on small objects, with and without a crop.

Pictures are generated. Each object is clicked in its middle, then where the mask is wrong, as in the evaluation;
a person who zooms in sees so many diameters of it. Both columns are the same clicks' beginnings on the same network.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from benchmarks.small_objects.scene import Thing, scene
from benchmarks.tables import describe_run, format_table, write_section
from common.crop_grid import Box, crop_around
from common.metrics import Click, Mask, iou, next_click
from common.model_frame import axis_weights, prompt_arrays
from model_server.sam.predictor import Candidate, Embedding, Predictor
from model_server.training.evaluate import load_predictor

TITLE = "Small objects on large pictures"
WEIGHTS = Path("model_server/weights/compact.safetensors")
PICTURES = ((4000, 3000), (6000, 4000))
DIAMETERS = (16, 32, 64)
DIAMETERS_SEEN = 8
CLICKS = 3


@dataclass(frozen=True)
class View:
    """An embedding of a part of a picture; `box` says which, in picture pixels."""

    embedding: Embedding
    box: Box


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_objects")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--objects", type=int, default=16, help="of each size on each picture")
    parser.add_argument(
        "--write", action="store_true", help="renew the table in docs/benchmarks.md"
    )
    asked = parser.parse_args(arguments)
    predictor = load_predictor(asked.weights, 0)
    rows = [
        row
        for width, height in PICTURES
        for diameter in DIAMETERS
        if (row := measure(predictor, width, height, diameter, asked.objects)) is not None
    ]
    head = ["picture", "object, px", "in the frame, px", "crop", "in the crop's frame, px"]
    head += [f"{n} click{'s' * (n > 1)}, {how}" for n in (1, 3) for how in ("whole", "crop")]
    words = (
        f"Mean IoU over {asked.objects} generated blobs of each size; a person sees {DIAMETERS_SEEN} diameters around. "
        "What a mask has beyond that is not counted. Clicks as in the evaluation, the candidate of highest predicted "
        "IoU, the bundled weights. The ground is calm and the blobs stand out from it: photographs are harder."
    )
    run = describe_run("python -m benchmarks.small_objects")
    text = f"{run}. {words}\n\n{format_table(head, rows)}"
    print(text)
    if asked.write:
        write_section(TITLE, text)


def measure(
    predictor: Predictor, width: int, height: int, diameter: int, count: int
) -> list[str] | None:
    """One row of the table; None where the grid has no crop for objects of that size."""
    picture, things = scene(width, height, diameter=diameter, count=count, seed=diameter + width)
    whole = View(predictor.embed(picture), (0, 0, width, height))
    found: dict[str, list[list[float]]] = {"whole": [], "crop": []}
    side = 0
    for thing in things:
        seen = seen_around(thing, width, height)
        input_size = whole.embedding.frame.input_size
        box = crop_around(seen, width=width, height=height, input_size=input_size)
        if box is None:
            return None
        x0, y0, x1, y1 = box
        side = x1 - x0
        crop = View(predictor.embed(np.ascontiguousarray(picture[y0:y1, x0:x1])), box)
        for name, view in (("whole", whole), ("crop", crop)):
            found[name].append(click_through(predictor, view, thing, seen))
    frame = whole.embedding.frame.input_size
    told = [f"{width}×{height}", str(diameter), f"{diameter * frame / width:.1f}"]
    told += [f"{side} px", f"{diameter * frame / side:.1f}"]
    for clicks in (1, CLICKS):
        told += [f"{mean(ious[clicks - 1] for ious in found[name]):.2f}" for name in found]
    return told


def seen_around(thing: Thing, width: int, height: int) -> Box:
    """What of the picture is seen by somebody who sees `DIAMETERS_SEEN` diameters of the object."""
    x0, y0, x1, y1 = thing.box
    around = (DIAMETERS_SEEN - 1) * max(x1 - x0, y1 - y0) // 2
    return (
        max(0, x0 - around),
        max(0, y0 - around),
        min(width, x1 + around),
        min(height, y1 + around),
    )


def click_through(predictor: Predictor, view: View, thing: Thing, box: Box) -> list[float]:
    """IoU after each click, within the `box` that is seen: what a mask has beyond it is not counted against it."""
    reference = np.zeros((box[3] - box[1], box[2] - box[0]), bool)
    left, top = thing.left - box[0], thing.top - box[1]
    height, width = thing.mask.shape
    reference[top : top + height, left : left + width] = thing.mask
    mask = np.zeros_like(reference)
    clicks: list[Click] = []
    fed: NDArray[np.float32] | None = None
    ious: list[float] = []
    while len(ious) < CLICKS:
        click = next_click(mask, reference, clicks)
        if click is None:
            return [*ious, *[ious[-1]] * (CLICKS - len(ious))]
        clicks.append(click)
        fed = answer(predictor, view, clicks, fed, box).low_res_logits
        mask = part_of_mask(fed, view, box)
        ious.append(iou(mask, reference))
    return ious


def answer(
    predictor: Predictor,
    view: View,
    clicks: Sequence[Click],
    fed: NDArray[np.float32] | None,
    box: Box,
) -> Candidate:
    """The best candidate for clicks that count from the corner of `box`. Its own mask is of the frame's size."""
    corner = np.array([box[0] - view.box[0], box[1] - view.box[1]], np.float64)
    frame = view.embedding.frame
    coords, marks = prompt_arrays(
        points=np.array([[one.x, one.y] for one in clicks], np.float64) + corner,
        labels=np.array([one.label for one in clicks], np.float64),
        box=None,
        frame=frame,
    )
    small = replace(frame, width=frame.new_width, height=frame.new_height)
    embedding = replace(view.embedding, frame=small)
    previous = None if fed is None else fed[None]
    return predictor.predict_arrays(embedding, coords[None], marks[None], previous)[0][0]


def part_of_mask(low_res: NDArray[np.float32], view: View, box: Box) -> Mask:
    """The mask of these logits within `box`, at the picture's resolution: `upscale_logits` for a part."""
    frame = view.embedding.frame
    x0, y0 = box[0] - view.box[0], box[1] - view.box[1]
    columns = slice(x0, x0 + box[2] - box[0])
    rows = slice(y0, y0 + box[3] - box[1])
    left, right, across = axis_weights(frame.width, frame.new_width, frame)
    above, below, down = axis_weights(frame.height, frame.new_height, frame)
    logits = low_res.astype(np.float64)
    wide = logits[:, left[columns]] * (1 - across[columns])
    wide += logits[:, right[columns]] * across[columns]
    weights = down[rows, None]
    mask: Mask = wide[above[rows]] * (1 - weights) + wide[below[rows]] * weights > 0
    return mask


if __name__ == "__main__":
    main()
