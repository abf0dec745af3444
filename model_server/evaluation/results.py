"""What an evaluation found, mask by mask."""

from dataclasses import dataclass

import numpy as np

from common.metrics import Mask, boundary_band, iou
from model_server.evaluation.clicking import ScoredGuess, Trace
from model_server.evaluation.images import EvaluationImage, read_mask


@dataclass(frozen=True)
class MaskResult:
    """One reference mask under each protocol that was run."""

    number: int  # of the mask within its image
    area_share: float  # of the image
    centre: Trace
    boundary_iou_at: dict[int, float]  # of the centre protocol
    random: Trace | None = None
    box: tuple[ScoredGuess, ...] = ()  # the chosen one first; empty when not asked for


@dataclass(frozen=True)
class ImageResult:
    """One image of an evaluation."""

    image: EvaluationImage
    masks: tuple[MaskResult, ...]
    embedding_seconds: float | None  # None for methods without an encoder


def boundary_ious(trace: Trace, reference: Mask) -> dict[int, float]:
    """Boundary IoU of the masks a trace keeps."""
    height, width = reference.shape
    band = boundary_band(reference)
    return {
        count: iou(boundary_band(read_mask(counts, height=height, width=width)), band)
        for count, counts in trace.counts_at.items()
    }


def area_share(reference: Mask) -> float:
    """Share of the image that a mask covers."""
    return float(np.count_nonzero(reference)) / reference.size
