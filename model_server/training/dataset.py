"""COCO folders as training batches: decoding, sampling by source and folder, crops, pasting.

A batch is a function of (seed, batch number) alone, so a resumed run sees the same images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from torch import Tensor
from torch.utils.data import Dataset

from common import coco_folder
from model_server.training.augmentation import Augmentation, Window, change_look, happens

MIN_TARGET_AREA_PX = 12.0  # low-res pixels that must be left of a mask after cropping
MAX_AREA_SHARE = 0.9  # larger masks are dropped (paper, section 2.3 of the appendix)
CROP_ATTEMPTS = 4
MAX_PASTED_SHARE = 0.5  # of the frame that a pasted object may cover


@dataclass(frozen=True)
class ImageRecord:
    """One image of a COCO folder with the RLEs of its reference masks."""

    path: Path
    width: int
    height: int
    source: str
    rles: tuple[dict[str, Any], ...]
    weight: float = 1.0  # how often it is drawn, relative to others


@dataclass(frozen=True)
class Batch:
    """Training images with the same number of masks each."""

    pixels: Tensor  # uint8 [B, 3, S, S], RGB
    targets: Tensor  # float32 [B, N, 4g, 4g], share of each low-res pixel that is inside

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(self.pixels.to(device), self.targets.to(device))


def read_coco_folders(folders: Sequence[str], split: str | None) -> list[ImageRecord]:
    """Images of several folders, each written FOLDER or FOLDER:FACTOR, as one training set.

    Within a folder sources are weighted (`source_weights`); the factor multiplies the weight of all
    its images: 10 draws each of them ten times as often as without it.
    """
    records: list[ImageRecord] = []
    for text in folders:
        folder, factor = parse_folder(text)
        found = read_coco_folder(folder, split)
        weights = factor * source_weights(found)
        records += [replace(r, weight=float(w)) for r, w in zip(found, weights, strict=True)]
    return records


def parse_folder(text: str) -> tuple[Path, float]:
    """Folder and over-sampling factor written FOLDER or FOLDER:FACTOR.

    Raises:
        ValueError: the factor is not a positive number.
    """
    name, colon, factor = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), 1.0
    if not float(factor) > 0:
        raise ValueError(f"the factor of {name} must be greater than 0, not {factor}")
    return Path(name), float(factor)


def read_coco_folder(folder: Path, split: str | None) -> list[ImageRecord]:
    """`common.coco_folder.read_coco_folder` as training takes it; raises as that does."""
    return [
        ImageRecord(
            path=picture.path,
            width=picture.width,
            height=picture.height,
            source=picture.source,
            rles=tuple(
                {"size": [picture.height, picture.width], "counts": counts}
                for counts in picture.counts
            ),
        )
        for picture in coco_folder.read_coco_folder(folder, split)
    ]


def decode_mask(rle: dict[str, Any]) -> NDArray[np.uint8]:
    """A mask [H, W] of 0 and 1."""
    mask: NDArray[np.uint8] = coco_mask.decode(rle)
    return mask


def source_weights(records: list[ImageRecord]) -> NDArray[np.float64]:
    """Weights [N]: a source counts with the root of its size, an image with that of its masks."""
    counts: dict[str, int] = {}
    for record in records:
        counts[record.source] = counts.get(record.source, 0) + 1
    return np.array([(len(r.rles) / counts[r.source]) ** 0.5 for r in records])


def mask_image(rle: dict[str, Any]) -> Image.Image:
    """A mask as a picture of 0 and 255."""
    return Image.fromarray(decode_mask(rle) * np.uint8(255))


class BatchDataset(Dataset[Batch]):
    """Item `i` is training batch number `i`, from image `first_image` of the joint batch on."""

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
        first_image: int = 0,
    ) -> None:
        if not records:
            raise ValueError("the training split holds no image with masks")
        self.records = records
        self.cumulative = np.cumsum([record.weight for record in records])
        self.seed = seed
        self.input_size = input_size
        self.low_res_size = low_res_size
        self.images_per_batch = images_per_batch
        self.masks_per_image = masks_per_image
        self.augmentation = augmentation
        self.last_batch = last_batch
        self.first_image = first_image

    def __len__(self) -> int:
        return self.last_batch

    def __getitem__(self, number: int) -> Batch:
        pixels: list[Tensor] = []
        targets: list[Tensor] = []
        for image in range(self.first_image, self.first_image + self.images_per_batch):
            rng = np.random.default_rng([self.seed, number, image])
            picture, masks = self.make_sample(self.draw_record(rng), rng)
            pixels.append(torch.from_numpy(picture).permute(2, 0, 1))
            targets.append(torch.from_numpy(masks).float() / 255)
        return Batch(torch.stack(pixels), torch.stack(targets))

    def draw_record(self, rng: np.random.Generator) -> ImageRecord:
        """A record by its weight."""
        draw = int(np.searchsorted(self.cumulative, rng.random() * self.cumulative[-1]))
        return self.records[min(draw, len(self.records) - 1)]

    def make_sample(
        self, record: ImageRecord, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Augmented RGB [S, S, 3] and `N` targets 0 to 255, [N, 4g, 4g]."""
        augmentation = self.augmentation
        chosen = rng.permutation(len(record.rles))[: 3 * self.masks_per_image]
        masks = [mask_image(record.rles[i]) for i in chosen]
        for attempt in range(CROP_ATTEMPTS + 1):
            window = Window.whole(record.width, record.height)
            if attempt < CROP_ATTEMPTS:
                window = Window.drawn(record.width, record.height, augmentation, rng)
            targets = [window.place(mask, self.low_res_size) for mask in masks]
            kept = [target for target in targets if self.is_usable(target)]
            if kept:
                break
        kept = kept or targets
        picture = window.place(Image.open(record.path).convert("RGB"), self.input_size)
        if happens(augmentation.paste_share, rng):
            picture, kept = self.paste_object(picture, kept, rng)
        repeated = [kept[i % len(kept)] for i in range(self.masks_per_image)]
        picture = change_look(picture, augmentation, rng)
        if rng.random() < augmentation.flip_share:
            picture, repeated = picture[:, ::-1], [target[:, ::-1] for target in repeated]
        if happens(augmentation.upside_down_share, rng):
            picture, repeated = picture[::-1], [target[::-1] for target in repeated]
        return np.array(picture), np.stack(repeated)

    def is_usable(self, target: NDArray[np.uint8]) -> bool:
        """Whether enough of a mask is left, and not nearly everything."""
        share = target.mean() / 255
        return share * target.size >= MIN_TARGET_AREA_PX and share <= MAX_AREA_SHARE

    def paste_object(
        self, picture: NDArray[np.uint8], targets: list[NDArray[np.uint8]], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]]]:
        """Copy-paste: put an object of another picture over RGB [S, S, 3], as the first target.

        The other targets lose what it covers, and are left out when little remains. An object
        that fills half the frame or is hardly in it is not pasted.
        """
        other = self.draw_record(rng)
        mask = mask_image(other.rles[int(rng.integers(len(other.rles)))])
        window = Window.drawn(other.width, other.height, self.augmentation, rng)
        pasted = window.place(mask, self.low_res_size)
        if not self.is_usable(pasted) or pasted.mean() / 255 > MAX_PASTED_SHARE:
            return picture, targets
        cover = Image.fromarray(window.place(mask, self.input_size))
        source = window.place(Image.open(other.path).convert("RGB"), self.input_size)
        picture = np.asarray(
            Image.composite(Image.fromarray(source), Image.fromarray(picture), cover)
        )
        left = [np.minimum(target, 255 - pasted) for target in targets]
        return picture, [pasted, *(target for target in left if self.is_usable(target))]
