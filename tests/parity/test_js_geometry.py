"""The browser's geometry against pycocotools, numpy and `common`: bit for bit, on hundreds of cases.

All cases are answered by one run of Node (`geometry_cases.js`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco

from common.model_frame import frame_of, prompt_arrays, upscale_logits
from simulation.strokes import next_stroke

NODE_SCRIPT = Path(__file__).with_name("geometry_cases.js")
Mask = NDArray[np.uint8]
Json = Any
Check = Callable[[Json], None]


@dataclass
class Cases:
    """Questions for Node and what each answer must satisfy, by the name of the test."""

    asked: list[dict[str, Json]] = field(default_factory=list)
    checks: list[tuple[str, Check]] = field(default_factory=list)

    def ask(self, test: str, kind: str, given: dict[str, Json], check: Check) -> None:
        """Add one case."""
        self.asked.append({"kind": kind, "given": given})
        self.checks.append((test, check))


def coco_counts(mask: Mask) -> str:
    """The counts string that pycocotools writes."""
    return coco.encode(np.asfortranarray(mask))["counts"].decode("ascii")


def rle_of(mask: Mask) -> dict[str, Json]:
    """The RLE of a mask [H, W] as JSON."""
    return {"size": list(mask.shape), "counts": coco_counts(mask)}


def raw_mask(mask: Mask) -> dict[str, Json]:
    """The full raster for Node."""
    height, width = mask.shape
    return {"width": width, "height": height, "bits": base64.b64encode(mask.tobytes()).decode()}


def tight_box(mask: Mask) -> list[int]:
    """x0, y0, x1, y1, half-open; zeros when empty."""
    ys, xs = np.nonzero(mask)
    if not xs.size:
        return [0, 0, 0, 0]
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def masks(rng: np.random.Generator) -> list[Mask]:
    """Edge cases by hand, then random ones of every density and blob-like ones."""
    corner = np.zeros((7, 5), np.uint8)
    corner[0, 0] = 1
    last = np.zeros((7, 5), np.uint8)
    last[6, 4] = 1
    full_columns = np.zeros((40, 50), np.uint8)
    full_columns[:, 10:12] = 1
    full_columns[5:8, 30] = 1
    long_run = np.zeros((900, 1300), np.uint8)
    long_run[3:, 2:1290] = 1
    found = [corner, last, full_columns, long_run]
    for shape in [(1, 1), (1, 9), (9, 1), (3, 4), (31, 64)]:
        found += [np.zeros(shape, np.uint8), np.ones(shape, np.uint8)]
    for _ in range(150):
        shape = (int(rng.integers(1, 60)), int(rng.integers(1, 90)))
        found.append((rng.random(shape) < rng.random()).astype(np.uint8))
    return found + [blob(rng) for _ in range(60)]


def blob(rng: np.random.Generator) -> Mask:
    """An asymmetric shape with a hole and specks."""
    height, width = int(rng.integers(20, 90)), int(rng.integers(20, 130))
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0, height), rng.uniform(0, width)
    radius = rng.uniform(4, 40) * (
        1 + 0.3 * np.sin(3 * np.arctan2(y - cy, x - cx) + rng.uniform(0, 6))
    )
    distance = np.hypot(1.3 * (x - cx), y - cy)
    shape = (distance < radius) & (distance > radius * rng.uniform(0, 0.5))
    return (shape ^ (rng.random(shape.shape) < 0.01)).astype(np.uint8)


def ask_rle(cases: Cases, rng: np.random.Generator) -> None:
    """Encoding, decoding, area, box and hash of one mask."""
    for mask in masks(rng):
        expected = rle_of(mask)
        wanted = {
            "rle": expected,
            "again": expected,
            "area": int(mask.sum()),
            "box": tight_box(mask),
            "sha256": hashlib.sha256(expected["counts"].encode()).hexdigest(),
        }
        cases.ask("rle", "rle", {"mask": raw_mask(mask)}, equals(wanted))


def ask_algebra(cases: Cases, rng: np.random.Generator) -> None:
    """Union and difference of two masks."""
    for _ in range(60):
        a = blob(rng)
        b = np.roll(a, rng.integers(0, 40, 2), (0, 1)) & (rng.random(a.shape) < 0.9)
        wanted = {"union": rle_of(a | b), "difference": rle_of(a & (1 - b))}
        cases.ask(
            "algebra", "algebra", {"a": rle_of(a), "b": rle_of(b.astype(np.uint8))}, equals(wanted)
        )


def ask_strokes(cases: Cases, rng: np.random.Generator) -> None:
    """Brush and eraser of all sizes, also far outside the image."""
    for number in range(120):
        mask = blob(rng)
        height, width = mask.shape
        size = int(rng.choice([1, 2, 3, 4, 7, 10, 31, 64, 299, 300]))
        shape, add = ("circle", "square")[number % 2], bool(number % 3)
        count = int(rng.integers(1, 5))
        points = rng.uniform(-20, 20, (count, 2)) + rng.uniform(0, 1, (count, 2)) * [width, height]
        given = {
            "mask": rle_of(mask),
            "points": [{"x": x, "y": y} for x, y in points.tolist()],
            "size": size,
            "shape": shape,
            "add": add,
        }
        touched = stamped(mask.shape, points, size, shape)
        wanted = mask | touched if add else mask & (1 - touched)
        cases.ask("strokes", "stroke", given, equals({"rle": rle_of(wanted), "isTight": True}))


def stamped(shape: tuple[int, ...], points: NDArray[np.float64], size: int, form: str) -> Mask:
    """The pixels a stroke covers, stamp by stamp on a padded raster."""
    margin = 2 * size + 400
    canvas = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin), np.uint8)
    offset = np.arange(size) + 0.5 - size / 2
    inside = offset[:, None] ** 2 + offset[None] ** 2 <= (size / 2) ** 2
    stamp = (inside if form == "circle" else np.ones((size, size), bool)).astype(np.uint8)
    for x, y in walk(corners(points, size)):
        canvas[y + margin :, x + margin :][:size, :size] |= stamp
    return canvas[margin : margin + shape[0], margin : margin + shape[1]]


def corners(points: NDArray[np.float64], size: int) -> list[tuple[int, int]]:
    """Top left pixels of the stamps at the points of a stroke."""
    if size % 2:
        snapped = np.floor(points) - (size - 1) // 2
    else:
        snapped = np.floor(points + 0.5) - size // 2
    return [(int(x), int(y)) for x, y in snapped]


def walk(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Every place along the way, one pixel apart on the longer axis."""
    found = [places[0]]
    for (ax, ay), (bx, by) in pairwise(places):
        steps = max(abs(bx - ax), abs(by - ay))
        for step in range(1, steps + 1):
            part = step / steps
            found.append(
                (
                    int(np.floor(ax + (bx - ax) * part + 0.5)),
                    int(np.floor(ay + (by - ay) * part + 0.5)),
                )
            )
    return found


def ask_simulated_strokes(cases: Cases, rng: np.random.Generator) -> None:
    """The simulated team's strokes cover what the page's brush would."""
    for _ in range(60):
        mask = blob(rng)
        reference = np.roll(mask, rng.integers(-20, 20, 2), (0, 1))
        stroke = next_stroke(mask > 0, reference > 0)
        if stroke is None:
            continue
        given = {
            "mask": rle_of(mask & 0),
            "points": [{"x": x, "y": y} for x, y in stroke.points],
            "size": stroke.size,
            "shape": "circle",
            "add": True,
        }
        wanted = {"rle": rle_of(stroke.area(mask.shape).astype(np.uint8)), "isTight": True}
        cases.ask("simulated_strokes", "stroke", given, equals(wanted))


def ask_prompts(cases: Cases, rng: np.random.Generator) -> None:
    """Prompt tensors for images of all shapes, with and without a box."""
    for number in range(200):
        width, height = (int(side) for side in rng.integers(16, 6000, 2))
        input_size = (512, 1024)[number % 2]
        count = int(rng.integers(0, 9))
        points = rng.uniform(0, 1, (count, 2)) * [width, height]
        points = np.floor(points) if number % 3 else points
        labels = rng.integers(0, 2, count)
        box = np.sort(rng.uniform(0, 1, (2, 2)), 0) * [width, height] if number % 4 == 1 else None
        frame = frame_of(width=width, height=height, input_size=input_size, low_res_size=256)
        coords, marks = prompt_arrays(
            points=points, labels=labels.astype(float), box=box, frame=frame
        )
        given = {
            "prompt": {
                "points": [
                    {"x": x, "y": y, "label": int(label)}
                    for (x, y), label in zip(points.tolist(), labels, strict=True)
                ],
                "box": None if box is None else box.ravel().tolist(),
            },
            "width": width,
            "height": height,
            "inputSize": input_size,
            "lowResSize": 256,
        }
        wanted = {
            "frame": {
                "width": width,
                "height": height,
                "newWidth": frame.new_width,
                "newHeight": frame.new_height,
                "inputSize": input_size,
                "lowResSize": 256,
            },
            "coords": base64.b64encode(coords.tobytes()).decode(),
            "labels": base64.b64encode(marks.tobytes()).decode(),
        }
        cases.ask("prompts", "prompt", given, equals(wanted))


def ask_logits(cases: Cases, rng: np.random.Generator) -> None:
    """Masks of logits: smooth, noisy, whole-numbered (exact zeros), tiny, huge and cancelling ones."""
    for number in range(200):
        low_res_size = (16, 32, 64, 256)[number % 4]
        input_size = low_res_size * (4, 2)[number % 2]
        width, height = (int(side) for side in rng.integers(1, 400, 2))
        logits = some_logits(rng, low_res_size, number % 7)
        frame = frame_of(
            width=width, height=height, input_size=input_size, low_res_size=low_res_size
        )
        mask = (upscale_logits(logits, frame) > 0).astype(np.uint8)
        outer = int((logits > -1).sum())
        wanted = {
            "rle": rle_of(mask),
            "stability": int((logits > 1).sum()) / outer if outer else 0,
            "isTight": True,
        }
        given = {
            "logits": base64.b64encode(logits.tobytes()).decode(),
            "width": width,
            "height": height,
            "inputSize": input_size,
            "lowResSize": low_res_size,
        }
        cases.ask("logits", "logits", given, equals(wanted))


def some_logits(rng: np.random.Generator, size: int, style: int) -> NDArray[np.float32]:
    """Logits [size, size] of one of seven styles."""
    noise = rng.normal(0, 3, (size, size))
    y, x = np.mgrid[:size, :size]
    smooth = size / 3 - np.hypot(x - 0.4 * size, 1.4 * (y - 0.6 * size)) + noise / 9
    whole = np.round(noise / 3)
    checks = np.where((x + y) % 2 == 0, 1.0, -1.0) * (1 + noise * (style == 4) / 1e7)
    styles = [noise, smooth, whole, checks, checks, noise * 1e-30, smooth * 1e20]
    return styles[style].astype(np.float32)


def ask_clean_up(cases: Cases, rng: np.random.Generator) -> None:
    """Holes and specks against a flood fill that takes one pixel at a time."""
    for _ in range(60):
        mask = blob(rng)[:40, :50]
        min_area = int(rng.integers(1, 60))
        wanted = rle_of(cleaned(mask, min_area))
        cases.ask(
            "clean_up", "cleanUp", {"mask": rle_of(mask), "minArea": min_area}, equals(wanted)
        )


def cleaned(mask: Mask, min_area: int) -> Mask:
    """Holes below `min_area` filled, then specks dropped; the largest region stays."""
    result = mask.copy()
    height, width = mask.shape
    for hole in regions(1 - mask, [(0, 1), (1, 0), (0, -1), (-1, 0)]):
        at_edge = any(y in (0, height - 1) or x in (0, width - 1) for y, x in hole)
        if len(hole) < min_area and not at_edge:
            result[tuple(np.array(hole).T)] = 1
    around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    found = sorted(regions(result, around), key=len, reverse=True)
    for speck in found[1:]:
        if len(speck) < min_area:
            result[tuple(np.array(speck).T)] = 0
    return result


def regions(mask: Mask, neighbours: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Connected regions of set pixels, in reading order of their first pixel."""
    left = mask.astype(bool)
    found = []
    for start in zip(*np.nonzero(mask), strict=True):
        if not left[start]:
            continue
        left[start] = False
        region = [start]
        for y, x in region:
            for dy, dx in neighbours:
                place = (y + dy, x + dx)
                inside = 0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1]
                if inside and left[place]:
                    left[place] = False
                    region.append(place)
        found.append(region)
    return found


def equals(wanted: Json) -> Check:
    """A check for one exact answer."""

    def check(answer: Json) -> None:
        assert answer == wanted

    return check


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Check, Json]]]:
    """All cases with Node's answers, by test."""
    rng = np.random.default_rng(20)
    cases = Cases()
    for ask in (
        ask_rle,
        ask_algebra,
        ask_strokes,
        ask_prompts,
        ask_logits,
        ask_clean_up,
        ask_simulated_strokes,
    ):
        ask(cases, rng)
    folder = tmp_path_factory.mktemp("geometry")
    (folder / "cases.json").write_text(json.dumps(cases.asked))
    command = ["node", str(NODE_SCRIPT), str(folder / "cases.json"), str(folder / "answers.json")]
    subprocess.run(command, check=True, timeout=120)
    answers = json.loads((folder / "answers.json").read_text())
    found: dict[str, list[tuple[Check, Json]]] = {}
    for (test, check), answer in zip(cases.checks, answers, strict=True):
        found.setdefault(test, []).append((check, answer))
    return found


Answered = dict[str, list[tuple[Check, Json]]]


def check_all(answers: list[tuple[Check, Json]], at_least: int) -> None:
    """Run every check of a test, and make sure that there were enough."""
    assert len(answers) >= at_least
    for check, answer in answers:
        check(answer)


def test_any_mask_has_the_same_rle_as_in_pycocotools(answered: Answered) -> None:
    check_all(answered["rle"], 200)


def test_union_and_difference_are_those_of_the_pixels(answered: Answered) -> None:
    check_all(answered["algebra"], 60)


def test_a_stroke_covers_exactly_the_pixels_of_its_stamps(answered: Answered) -> None:
    check_all(answered["strokes"], 100)


def test_prompt_tensors_are_those_of_python_bit_for_bit(answered: Answered) -> None:
    check_all(answered["prompts"], 200)


def test_logits_become_the_same_mask_as_in_python(answered: Answered) -> None:
    check_all(answered["logits"], 200)


def test_clean_up_fills_holes_and_drops_specks_like_a_flood_fill(answered: Answered) -> None:
    check_all(answered["clean_up"], 60)


def test_the_strokes_of_a_simulated_person_are_those_of_the_page(answered: Answered) -> None:
    check_all(answered["simulated_strokes"], 40)
