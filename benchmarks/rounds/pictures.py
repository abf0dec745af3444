"""Which pictures of a COCO folder the team annotates, and which are kept to score models on."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from common.coco_folder import CocoPicture
from simulation.references import ImageReferences


def share_out(
    pictures: Sequence[CocoPicture], *, held_out: int, limit: int, seed: int
) -> tuple[list[CocoPicture], list[CocoPicture]]:
    """Held-out pictures, the same ones for every seed, and `limit` others drawn by `seed`.

    Raises ValueError when there are too few.
    """
    ordered = sorted(pictures, key=lambda one: hashlib.sha256(one.path.read_bytes()).digest())
    kept, rest = ordered[:held_out], ordered[held_out:]
    if len(rest) < limit:
        raise ValueError(f"{len(pictures)} pictures: too few for {held_out} and {limit}")
    order = np.random.default_rng(seed).permutation(len(rest))
    return kept, [rest[i] for i in order[:limit]]


def with_largest(picture: CocoPicture, most: int) -> CocoPicture:
    """The picture with at most `most` of its reference masks, the largest ones."""
    references = ImageReferences(picture.width, picture.height, picture.counts)
    chosen = references.by_prominence()[:most]
    return replace(picture, counts=tuple(picture.counts[number] for number in chosen))
