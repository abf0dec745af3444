"""Equal masks for both sides: outlines as of photographed things, on pictures of 640 × 480."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image as Pixels

from annotator.models import Image, Mask, MaskState, Person, Picture, Project
from common import rle
from common.outlines import polygon_of

WIDTH, HEIGHT = 640, 480
NUM_SHAPES = 400  # they come again on other pictures
MASKS_PER_IMAGE = 40
SEED = 11
AT_ONCE = 2_000
SHARED = ("counts", "counts_sha256", "area", "box")  # by shapes and masks


@dataclass(frozen=True)
class Shape:
    """One mask in the forms that are stored and sent."""

    counts: str
    counts_sha256: str
    area: int
    box: list[int]
    polygon: list[float]  # x0, y0, x1, … in pixels


def drawn_shapes(num: int = NUM_SHAPES) -> NDArray[np.bool_]:
    """[num, HEIGHT, WIDTH]: wavy blobs of all sizes, every eighth with a hole."""
    luck = np.random.default_rng(SEED)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    shapes = np.zeros((num, HEIGHT, WIDTH), dtype=bool)
    for number, shape in enumerate(shapes):
        y, x = luck.uniform(40, HEIGHT - 40), luck.uniform(40, WIDTH - 40)
        distance = np.hypot(rows - y, columns - x)
        angle = np.arctan2(rows - y, columns - x)
        radius = min(200.0, luck.lognormal(3.4, 0.6)) + 4
        waves = sum(
            luck.uniform(0, 0.24 / order) * np.cos(order * angle + luck.uniform(0, 7))
            for order in range(2, 9)
        )
        shape[:] = distance < radius * (1 + waves)
        if number % 8 == 0:
            shape &= distance > 0.3 * radius
    return shapes


def described(shapes: NDArray[np.bool_]) -> list[Shape]:
    """The forms of drawn shapes."""
    found = []
    for shape in shapes:
        runs = rle.runs_of(shape)
        counts = rle.counts_of(runs)
        found.append(
            Shape(
                counts=counts,
                counts_sha256=rle.counts_sha256(counts),
                area=rle.area(runs),
                box=list(rle.box(runs, height=HEIGHT)),
                polygon=polygon_of(shape, decimals=None).numbers,
            )
        )
    return found


def plan(num_masks: int) -> Iterator[tuple[int, range]]:
    """(number of the image, shapes on it, modulo their number) until there are so many masks."""
    for number, first in enumerate(range(0, num_masks, MASKS_PER_IMAGE)):
        yield number, range(first, min(num_masks, first + MASKS_PER_IMAGE))


def seed_project(shapes: list[Shape], num_masks: int) -> Project:
    """A project with the masks, accepted; nobody reads the files of its pictures."""
    project = Project.objects.create(name=f"{num_masks} masks")
    author = Person.objects.create(name=f"author-{num_masks}", display_name="Author")
    now = timezone.now()
    images, masks = [], []
    for number, on_it in plan(num_masks):
        sha256 = hashlib.sha256(f"{num_masks} {number}".encode()).hexdigest()
        picture = Picture(sha256=sha256, source_sha256=sha256, width=WIDTH, height=HEIGHT)
        picture.file_key, picture.file_type = f"images/{sha256}.png", "image/png"
        picture.num_bytes = 1
        name = f"{number}.png"
        images.append(Image(project=project, picture=picture, name=name, order_index=number))
        for place, which in enumerate(on_it):
            shape = shapes[which % len(shapes)]
            facts = {name: getattr(shape, name) for name in SHARED}
            mask = Mask(id=uuid.uuid4(), image=images[-1], author=author, **facts)
            mask.state, mask.accepted_at, mask.order_index = MaskState.ACCEPTED, now, place
            masks.append(mask)
    Picture.objects.bulk_create([image.picture for image in images], batch_size=AT_ONCE)
    Image.objects.bulk_create(images, batch_size=AT_ONCE)
    Mask.objects.bulk_create(masks, batch_size=AT_ONCE)
    return project


def write_coco(shapes: list[Shape], num_masks: int, folder: Path) -> Path:
    """A COCO file with the masks as polygons, and its pictures beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number, on_it in plan(num_masks):
        name = f"{number}.png"
        _write_picture(folder / name, number)
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for which in on_it:
            shape = shapes[which % len(shapes)]
            x0, y0, x1, y1 = shape.box
            annotation = {"id": which, "image_id": number, "category_id": 1, "iscrowd": 0}
            annotation |= {"segmentation": [shape.polygon], "area": shape.area}
            annotations.append({**annotation, "bbox": [x0, y0, x1 - x0, y1 - y0]})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "object"}],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(content))
    return path


def without_masks(coco: Path) -> Path:
    """A file beside it that has its pictures alone."""
    path = coco.with_name("pictures.json")
    path.write_text(json.dumps({**json.loads(coco.read_text()), "annotations": []}))
    return path


def _write_picture(path: Path, number: int) -> None:
    """A slope of colour, another one for each number."""
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    channels = (columns // 3, rows // 2, (columns + rows * (number % 97) + number) // 7)
    pixels = np.stack(channels, axis=-1).astype(np.uint8)
    Pixels.fromarray(pixels).save(path, "PNG")
