"""`python -m benchmarks.mask_prompt WEIGHTS DATA`: what to hand the model with the first click on a finished mask.

A mask that is opened again, imported or painted has no logits. Reference masks are damaged as people find
them, one click of the standard simulation is made where the damaged mask is most wrong, and each recipe says
what goes with that click. Later clicks feed logits back as always.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.mask_prompt.pieces import changed_at
from benchmarks.tables import describe_run, format_table, write_section
from common.metrics import Click, Mask, border_depth, iou, next_click
from common.model_frame import ModelFrame
from model_server.evaluation.images import (
    EvaluationImage,
    generator_of,
    sample_images,
    sample_masks,
)
from model_server.evaluation.network import half_pixel, tight_box
from model_server.sam.predictor import Candidate, Embedding, Predictor
from model_server.training.evaluate import load_predictor, read_images

TITLE = "A finished mask as a prompt"
CLICKS = 3
LEAST_PIXELS = 200  # smaller masks cannot be damaged in a telling way
WORSE = 0.01  # a fall of IoU that counts
Logits = NDArray[np.float32]
Prompt = Callable[[Mask, ModelFrame], "Extra"]


@dataclass(frozen=True)
class Extra:
    """What goes with the clicks: logits [L, L], clicks made before them, a box x0, y0, x1, y1."""

    logits: Logits | None = None
    clicks: tuple[Click, ...] = ()
    box: NDArray[np.float64] | None = None
    at_click_only: bool = False  # the rest of the mask stays as it is


def coverage(mask: Mask, frame: ModelFrame) -> Logits:
    """The share of each low-res cell [L, L] that the mask [H, W] covers; 0 beyond the image."""
    side = frame.low_res_size
    height = round(frame.new_height * side / frame.input_size)
    width = round(frame.new_width * side / frame.input_size)
    scaled = Image.fromarray(mask.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    share = np.zeros((side, side), np.float32)
    share[:height, :width] = np.array(scaled)
    return share


def stretched(sure: float) -> Prompt:
    """Coverage from -`sure` to `sure`."""
    return lambda mask, frame: Extra((2 * coverage(mask, frame) - 1) * np.float32(sure))


def hard(mask: Mask, frame: ModelFrame) -> Extra:
    """Two values, no slope at the border."""
    return Extra(np.where(coverage(mask, frame) > 0.5, 10, -10).astype(np.float32))


def distance(mask: Mask, frame: ModelFrame) -> Extra:
    """One logit for each low-res cell from the border, at most 10."""
    inside = coverage(mask, frame) > 0.5
    depth = border_depth(inside, most=10) - border_depth(~inside, most=10)
    return Extra(depth.astype(np.float32))


def with_centre(mask: Mask, frame: ModelFrame) -> Extra:
    """Coverage, and a click in the middle of the mask."""
    return Extra(stretched(10)(mask, frame).logits, clicks=(centre_of(mask),))


def with_box(mask: Mask, frame: ModelFrame) -> Extra:
    """Coverage, and the box of the mask."""
    return Extra(stretched(10)(mask, frame).logits, box=tight_box(mask))


def with_both(mask: Mask, frame: ModelFrame) -> Extra:
    """Coverage, a click in the middle of the mask, and its box."""
    return replace(with_centre(mask, frame), box=tight_box(mask))


def at_click_only(recipe: Prompt) -> Prompt:
    """The same, and of what would change only the piece that holds the click does."""
    return lambda mask, frame: replace(recipe(mask, frame), at_click_only=True)


def centre_alone(mask: Mask, frame: ModelFrame) -> Extra:
    """No mask; a click in its middle."""
    return Extra(clicks=(centre_of(mask),))


def centre_of(mask: Mask) -> Click:
    """Its deepest pixel."""
    y, x = np.unravel_index(int(border_depth(mask).argmax()), mask.shape)
    return Click(int(x), int(y), 1)


RECIPES: dict[str, Prompt] = {
    "the click alone": lambda mask, frame: Extra(),
    "a click in its middle": centre_alone,
    "two values, ±10": hard,
    "distance to the border, to ±10": distance,
    "coverage, ±4": stretched(4),
    "coverage, ±10": stretched(10),
    "coverage, ±20": stretched(20),
    "coverage, ±10, a click in its middle": with_centre,
    "coverage, ±10, its box": with_box,
    "coverage, ±10, both": with_both,
    "coverage, ±10, changed at the click only": at_click_only(stretched(10)),
    "coverage, ±10, its box, changed at the click only": at_click_only(with_box),
    "coverage, ±10, both, changed at the click only": at_click_only(with_both),
    "coverage, ±10, click in its middle, changed at the click only": at_click_only(with_centre),
}


def cut(reference: Mask, random: np.random.Generator) -> Mask:
    """Without the 30 % of its pixels that lie farthest in some direction."""
    angle = random.uniform(0, 2 * np.pi)
    rows, columns = np.nonzero(reference)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    kept = along < np.quantile(along, 0.7)
    left = np.zeros_like(reference)
    left[rows[kept], columns[kept]] = True
    return left


def grown(reference: Mask, random: np.random.Generator) -> Mask:
    """With a third more pixels on one side: what lies nearest to the mask there."""
    angle = random.uniform(0, 2 * np.pi)
    rows, columns = np.nonzero(reference)
    reach = max(3, round(0.25 * float(np.sqrt(reference.sum()))))
    shifted = np.zeros_like(reference)
    y = np.clip(rows + round(reach * np.sin(angle)), 0, reference.shape[0] - 1)
    x = np.clip(columns + round(reach * np.cos(angle)), 0, reference.shape[1] - 1)
    shifted[y, x] = True
    return reference | shifted


DAMAGES = {"a part is missing": cut, "too much on one side": grown}
OWN = "the model's own after one click"


@dataclass(frozen=True)
class Case:
    """A finished mask and what it should be."""

    kind: str
    start: Mask
    reference: Mask


def cases_of(predictor: Predictor, image: EvaluationImage, embedding: Embedding) -> Iterator[Case]:
    """Every reference mask of an image, damaged in every way."""
    for number, reference in zip(image.numbers, image.masks(), strict=True):
        if reference.sum() < LEAST_PIXELS:
            continue
        for i, (kind, damage) in enumerate(DAMAGES.items()):
            yield Case(kind, damage(reference, generator_of(image, number, i)), reference)
        own = ask(predictor, embedding, [centre_of(reference)], Extra()).mask
        if own.any():
            yield Case(OWN, own, reference)


def ask(
    predictor: Predictor, embedding: Embedding, clicks: Sequence[Click], extra: Extra
) -> Candidate:
    """The model's first answer."""
    made = [*extra.clicks, *clicks]
    half = half_pixel(embedding.frame)
    return predictor.predict(
        embedding,
        points=np.array([[click.x + 0.5, click.y + 0.5] for click in made]) - half,
        labels=np.array([float(click.label) for click in made]),
        box=None if extra.box is None else extra.box - np.tile(half, 2),
        previous_logits=extra.logits,
    )[0]


def refine(predictor: Predictor, embedding: Embedding, case: Case, recipe: Prompt) -> list[float]:
    """IoU of the mask as it was found, and after each click."""
    extra, mask = recipe(case.start, embedding.frame), case.start
    ious, clicks = [iou(mask, case.reference)], list[Click]()
    for _ in range(CLICKS):
        click = next_click(mask, case.reference, clicks)
        if click is not None:
            clicks.append(click)
            extra = replace(extra, box=holding(extra.box, click))
            answer = ask(predictor, embedding, clicks, extra)
            extra = replace(extra, logits=answer.low_res_logits)
            mask = changed_at(mask, answer.mask, click) if extra.at_click_only else answer.mask
        ious.append(iou(mask, case.reference))
    return ious


def holding(box: NDArray[np.float64] | None, click: Click) -> NDArray[np.float64] | None:
    """The box, grown to hold what is clicked as a part of the object."""
    if box is None or click.label == 0:
        return box
    x, y = click.x, click.y
    return np.array([min(box[0], x), min(box[1], y), max(box[2], x + 1), max(box[3], y + 1)])


def measure(
    predictor: Predictor, images: Sequence[EvaluationImage], recipes: Sequence[str]
) -> dict[tuple[str, str], list[list[float]]]:
    """By damage and recipe the IoUs of every mask."""
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for number, image in enumerate(images, 1):
        embedding = predictor.embed(image.picture())
        for case in cases_of(predictor, image, embedding):
            for name in recipes:
                ious = refine(predictor, embedding, case, RECIPES[name])
                found[case.kind, name].append(ious)
        print(f"{number} of {len(images)} images", end="\r", flush=True)
    return found


def table_of(found: dict[tuple[str, str], list[list[float]]]) -> str:
    """One row a recipe, for each damage IoU after one and three clicks and the share that one click made worse."""
    kinds, names = (list(dict.fromkeys(keys)) for keys in zip(*found, strict=True))
    head = ["what goes with the click"]
    for kind in kinds:
        ious = np.array(found[kind, names[0]])
        head.append(f"{kind} (IoU {ious[:, 0].mean():.2f}, {len(ious)} masks)")
    rows = [[name, *(cell(np.array(found[kind, name])) for kind in kinds)] for name in names]
    return format_table(head, rows)


def cell(ious: NDArray[Any]) -> str:
    """IoU after one and three clicks, and how many masks the first click spoiled."""
    worse = float(np.mean(ious[:, 1] < ious[:, 0] - WORSE))
    return f"{ious[:, 1].mean():.3f} / {ious[:, CLICKS].mean():.3f}, {worse:.0%} worse"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and with `--write` record it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mask_prompt")
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path, help="COCO folder with a split `dev`")
    parser.add_argument("--images", type=int, default=60, help="of `dev`; 0: all")
    parser.add_argument("--masks", type=int, default=2, help="of an image; 0: all")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    images = sample_images(read_images(asked.data, "dev"), asked.images)
    images = [sample_masks(image, asked.masks) for image in images]
    found = measure(load_predictor(asked.weights, 0), images, asked.recipes)
    told = (
        f"{describe_run('python -m benchmarks.mask_prompt')}. In each cell IoU after one / {CLICKS} clicks, and the"
        f" share of masks that the first click made worse by more than {WORSE}."
    )
    text = f"{told}\n\n{table_of(found)}"
    print(text)
    if asked.write:
        write_section(TITLE, text)


if __name__ == "__main__":
    main()
