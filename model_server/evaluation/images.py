"""Pictures with reference masks to be scored on, and the fixed samples drawn from them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common import rle
from common.metrics import Click, Mask


@dataclass(frozen=True)
class EvaluationImage:
    """One picture with its reference masks; `numbers` keep their meaning in a sample."""

    path: Path
    source: str
    width: int
    height: int
    numbers: tuple[int, ...]  # of the masks within the image, from 0
    counts: tuple[str, ...]  # their RLE

    @property
    def name(self) -> str:
        """What reports call the image."""
        return self.path.name

    def picture(self) -> NDArray[np.uint8]:
        """RGB [height, width, 3]."""
        return np.array(Image.open(self.path).convert("RGB"))

    def masks(self) -> list[Mask]:
        """The reference masks, [height, width] each."""
        return [read_mask(counts, height=self.height, width=self.width) for counts in self.counts]


def read_mask(counts: str, *, height: int, width: int) -> Mask:
    """The mask [height, width] of a counts string."""
    runs = rle.parse_counts(counts, height=height, width=width, max_runs=height * width + 1)
    return rle.decode(runs, height=height, width=width)


def sample_images(images: Sequence[EvaluationImage], most: int) -> list[EvaluationImage]:
    """At most `most` images (0: all), always the same ones, in their order."""
    if not 0 < most < len(images):
        return list(images)
    chosen = np.random.default_rng(0).permutation(len(images))[:most]
    return [images[i] for i in sorted(chosen)]


def sample_masks(image: EvaluationImage, most: int) -> EvaluationImage:
    """The image with at most `most` of its masks (0: all), the same ones in every sample."""
    if not 0 < most < len(image.counts):
        return image
    chosen = sorted(generator_of(image, 0).permutation(len(image.counts))[:most])
    return replace(
        image,
        numbers=tuple(image.numbers[i] for i in chosen),
        counts=tuple(image.counts[i] for i in chosen),
    )


def random_click(image: EvaluationImage, number: int, reference: Mask, seed: int) -> Click:
    """A foreground click drawn uniformly in a reference mask, from names and `seed` alone."""
    inside = np.flatnonzero(reference)
    drawn = int(inside[generator_of(image, seed, number).integers(inside.size)])
    y, x = divmod(drawn, reference.shape[1])
    return Click(x, y, 1)


def generator_of(image: EvaluationImage, *keys: int) -> np.random.Generator:
    """Random numbers that depend on the image's name and `keys`, not on the sample."""
    return np.random.default_rng([zlib.crc32(image.name.encode()), *keys])
