"""COCO folders as training batches: decoding, sampling by source, augmentation.

A batch is a function of (seed, batch number) alone, so a resumed run sees the same images.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from pycocotools import mask as coco_mask
from torch import Tensor
from torch.utils.data import Dataset

MIN_TARGET_AREA_PX = 12.0  # low-res pixels that must be left of a mask after cropping
MAX_AREA_SHARE = 0.9  # larger masks are dropped (paper, section 2.3 of the appendix)
CROP_ATTEMPTS = 4
FILL = (124, 116, 104)  # RGB close to the mean, so that padding is near 0 once normalised


@dataclass(frozen=True)
class ImageRecord:
    """One image of a COCO folder with the RLEs of its reference masks."""

    path: Path
    width: int
    height: int
    source: str
    rles: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Augmentation:
    """How a training sample may differ from its image."""

    min_scale: float = 0.6  # of the longest side relative to the model frame
    max_scale: float = 2.2
    flip_share: float = 0.5
    colour_strength: float = 0.4  # brightness, contrast, saturation within 1 +- this
    grey_share: float = 0.05


@dataclass(frozen=True)
class Batch:
    """Training images with the same number of masks each."""

    pixels: Tensor  # uint8 [B, 3, S, S], RGB
    targets: Tensor  # float32 [B, N, 4g, 4g], share of each low-res pixel that is inside


def read_coco_folder(folder: Path, split: str | None) -> list[ImageRecord]:
    """Images of `folder/annotations.json` that have masks, of one `split` or (None) all."""
    coco = json.loads((folder / "annotations.json").read_text())
    rles: dict[int, list[dict[str, Any]]] = {}
    for annotation in coco["annotations"]:
        rles.setdefault(annotation["image_id"], []).append(annotation)
    return [
        ImageRecord(
            path=folder / image["file_name"],
            width=image["width"],
            height=image["height"],
            source=image.get("source", ""),
            rles=tuple(as_rle(a, image) for a in rles[image["id"]]),
        )
        for image in coco["images"]
        if image["id"] in rles and (split is None or image.get("split", "train") == split)
    ]


def as_rle(annotation: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """The compressed RLE of an annotation given as RLE, uncompressed RLE or polygons."""
    segmentation = annotation["segmentation"]
    height, width = image["height"], image["width"]
    if isinstance(segmentation, list):
        merged: dict[str, Any] = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        return merged
    if isinstance(segmentation["counts"], list):
        compressed: dict[str, Any] = coco_mask.frPyObjects(segmentation, height, width)
        return compressed
    return {"size": segmentation["size"], "counts": segmentation["counts"]}


def decode_mask(rle: dict[str, Any]) -> NDArray[np.uint8]:
    """A mask [H, W] of 0 and 1."""
    mask: NDArray[np.uint8] = coco_mask.decode(rle)
    return mask


def source_weights(records: list[ImageRecord]) -> NDArray[np.float64]:
    """Sampling weights: a source counts with the root of its size, an image of its masks."""
    counts: dict[str, int] = {}
    for record in records:
        counts[record.source] = counts.get(record.source, 0) + 1
    weights = np.array([(len(r.rles) / counts[r.source]) ** 0.5 for r in records])
    return weights / weights.sum()


class BatchDataset(Dataset[Batch]):
    """Item `i` is training batch number `i`."""

    def __init__(
        self,
        records: list[ImageRecord],
        *,
        seed: int,
        input_size: int,
        low_res_size: int,
        images_per_batch: int,
        masks_per_image: int,
        augmentation: Augmentation,
        last_batch: int,
    ) -> None:
        if not records:
            raise ValueError("the training split holds no image with masks")
        self.records = records
        self.cumulative = np.cumsum(source_weights(records))
        self.seed = seed
        self.input_size = input_size
        self.low_res_size = low_res_size
        self.images_per_batch = images_per_batch
        self.masks_per_image = masks_per_image
        self.augmentation = augmentation
        self.last_batch = last_batch

    def __len__(self) -> int:
        return self.last_batch

    def __getitem__(self, number: int) -> Batch:
        pixels: list[Tensor] = []
        targets: list[Tensor] = []
        while len(pixels) < self.images_per_batch:
            attempt = len(pixels)
            rng = np.random.default_rng([self.seed, number, attempt])
            draw = int(np.searchsorted(self.cumulative, rng.random() * self.cumulative[-1]))
            sample = self.make_sample(self.records[min(draw, len(self.records) - 1)], rng)
            pixels.append(torch.from_numpy(sample[0]).permute(2, 0, 1))
            targets.append(torch.from_numpy(sample[1]).float() / 255)
        return Batch(torch.stack(pixels), torch.stack(targets))

    def make_sample(
        self, record: ImageRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Augmented RGB [S, S, 3] and `N` targets 0 to 255, [N, 4g, 4g]."""
        chosen = rng.permutation(len(record.rles))[: 3 * self.masks_per_image]
        masks = [Image.fromarray(decode_mask(record.rles[i]) * np.uint8(255)) for i in chosen]
        for attempt in range(CROP_ATTEMPTS + 1):
            window = self.draw_window(record, rng, whole=attempt == CROP_ATTEMPTS)
            targets = [self.place(mask, window, self.low_res_size) for mask in masks]
            shares = np.array([target.mean() / 255 for target in targets])
            usable = shares * self.low_res_size**2 >= MIN_TARGET_AREA_PX
            usable &= shares <= MAX_AREA_SHARE
            if usable.any():
                break
        kept = [target for target, good in zip(targets, usable, strict=True) if good] or targets
        repeated = [kept[i % len(kept)] for i in range(self.masks_per_image)]
        picture = self.place(Image.open(record.path).convert("RGB"), window, self.input_size)
        picture = jitter_colour(picture, self.augmentation, rng)
        if rng.random() < self.augmentation.flip_share:
            picture, repeated = picture[:, ::-1], [target[:, ::-1] for target in repeated]
        return np.array(picture), np.stack(repeated)

    def draw_window(
        self, record: ImageRecord, rng: np.random.Generator, *, whole: bool
    ) -> tuple[float, float, float]:
        """Large-scale jitter: left, top and side, in image pixels, of the square to look at."""
        longest = max(record.width, record.height)
        if whole:
            return 0.0, 0.0, float(longest)
        low, high = np.log(self.augmentation.min_scale), np.log(self.augmentation.max_scale)
        side = longest / float(np.exp(rng.uniform(low, high)))
        left = rng.uniform(0, max(0.0, record.width - side))
        top = rng.uniform(0, max(0.0, record.height - side))
        return left, top, side

    @staticmethod
    def place(
        picture: Image.Image, window: tuple[float, float, float], size: int
    ) -> NDArray[np.uint8]:
        """Resize the window of a picture to [size, size(, 3)], padded on the right and below."""
        left, top, side = window
        right, bottom = min(left + side, picture.width), min(top + side, picture.height)
        width = max(1, min(size, round((right - left) * size / side)))
        height = max(1, min(size, round((bottom - top) * size / side)))
        rgb = picture.mode == "RGB"
        filter_ = Image.Resampling.BILINEAR if rgb else Image.Resampling.BOX
        part = picture.resize((width, height), filter_, box=(left, top, right, bottom))
        canvas = Image.new(picture.mode, (size, size), FILL if rgb else 0)
        canvas.paste(part, (0, 0))
        return np.asarray(canvas)


def jitter_colour(
    pixels: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change brightness, contrast and saturation of RGB [H, W, 3] at random."""
    picture = Image.fromarray(pixels)
    strength = augmentation.colour_strength
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhancer(picture).enhance(float(rng.uniform(1 - strength, 1 + strength)))
    if rng.random() < augmentation.grey_share:
        picture = picture.convert("L").convert("RGB")
    return np.asarray(picture)
