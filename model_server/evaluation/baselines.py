"""Classical interactive segmentation under the same clicks, as a yardstick for the network.

Every method is told the clicks as discs of sure pixels. Where a method needs background and
nobody has clicked any yet, the border of the picture is taken for background.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab
from skimage.filters import gaussian, sobel
from skimage.graph import MCP_Geometric
from skimage.segmentation import random_walker

from common.metrics import Click, Mask
from model_server.evaluation.clicking import Guess, Segmenter, click_through
from model_server.evaluation.images import EvaluationImage
from model_server.evaluation.results import ImageResult, MaskResult, area_share, boundary_ious

DISC_RADIUS_PX = 3
FOREGROUND, BACKGROUND = 1, 2  # seeds; 0 is unknown
GRABCUT_PROBABLE_SHARE = 0.1  # of the longest image side
GRABCUT_ITERATIONS = 3
WALKER_BETA = 3000.0  # how strongly contrast stops the walker; far better here than the usual 130
GEODESIC_SMOOTHING_PX = 1.0
GEODESIC_CONTRAST = 30.0  # cost of a unit of CIELAB gradient beside a cost of 1 for each pixel
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

SegmentOne = Callable[[Sequence[Click]], Mask]  # the mask of one object after all its clicks


def seeds_of(clicks: Sequence[Click], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Sure pixels [H, W]: a disc for each click, later ones over earlier ones."""
    seeds = np.zeros(shape, np.uint8)
    if not any(click.label == 0 for click in clicks):
        seeds[[0, -1]] = BACKGROUND
        seeds[:, [0, -1]] = BACKGROUND
    for click in clicks:
        seeds[disc(click, DISC_RADIUS_PX, shape)] = FOREGROUND if click.label else BACKGROUND
    return seeds


def disc(click: Click, radius: float, shape: tuple[int, ...]) -> Mask:
    """Pixels [H, W] within `radius` of a click."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    inside: Mask = np.hypot(rows - click.y, columns - click.x) <= radius
    return inside


def grabcut(picture: NDArray[np.uint8]) -> SegmentOne:
    """OpenCV's GrabCut (Rother et al. 2004) on RGB [H, W, 3].

    It needs no background click: what is far from all foreground clicks is probably background.
    """
    shape = picture.shape[:2]
    probable = GRABCUT_PROBABLE_SHARE * max(shape)

    def segment(clicks: Sequence[Click]) -> Mask:
        marks = np.full(shape, cv2.GC_PR_BGD, np.uint8)
        for click in clicks:
            if click.label:
                marks[disc(click, probable, shape)] = cv2.GC_PR_FGD
        for click in clicks:
            sure = cv2.GC_FGD if click.label else cv2.GC_BGD
            marks[disc(click, DISC_RADIUS_PX, shape)] = sure
        if np.isin(marks, (cv2.GC_PR_BGD, cv2.GC_BGD)).any():
            models = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.setRNGSeed(0)
            unused = (0, 0, 1, 1)
            mode = cv2.GC_INIT_WITH_MASK
            cv2.grabCut(picture, marks, unused, *models, GRABCUT_ITERATIONS, mode)
        result: Mask = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
        return result

    return segment


def walk_randomly(picture: NDArray[np.uint8]) -> SegmentOne:
    """scikit-image's random walker (Grady 2006) on RGB [H, W, 3].

    A pixel belongs to the object when a walker that avoids contrast reaches foreground first.
    """

    def segment(clicks: Sequence[Click]) -> Mask:
        seeds = seeds_of(clicks, picture.shape[:2])
        found = random_walker(picture, seeds, beta=WALKER_BETA, mode="bf", channel_axis=-1)
        result: Mask = found == FOREGROUND
        return result

    return segment


def geodesic(picture: NDArray[np.uint8]) -> SegmentOne:
    """Nearest seed by minimal-cost paths (as Bai and Sapiro 2007) on RGB [H, W, 3].

    Walking costs 1 a pixel and more across CIELAB gradients; a pixel belongs to the seed with the
    cheapest path to it, and to the background when both cost the same.
    """
    smooth = gaussian(rgb2lab(picture), GEODESIC_SMOOTHING_PX, channel_axis=-1)
    slopes = [
        sobel(channel, axis=axis) for channel in np.moveaxis(smooth, -1, 0) for axis in (0, 1)
    ]
    costs = 1 + GEODESIC_CONTRAST * np.linalg.norm(slopes, axis=0)

    def segment(clicks: Sequence[Click]) -> Mask:
        seeds = seeds_of(clicks, picture.shape[:2])
        foreground, background = (
            MCP_Geometric(costs).find_costs(np.argwhere(seeds == kind))[0]
            for kind in (FOREGROUND, BACKGROUND)
        )
        result: Mask = foreground < background
        return result

    return segment


BASELINES: dict[str, Callable[[NDArray[np.uint8]], SegmentOne]] = {
    "grabcut": grabcut,
    "random_walker": walk_randomly,
    "geodesic": geodesic,
}


def one_by_one(segment: SegmentOne) -> Segmenter:
    """A method without memory as a segmenter of several objects."""

    def answer(numbers: Sequence[int], clicks: Sequence[Sequence[Click]]) -> list[list[Guess]]:
        return [[Guess(segment(made))] for made in clicks]

    return answer


def evaluate_baseline(
    name: str, images: Sequence[EvaluationImage], processes: int = 1
) -> Iterator[ImageResult]:
    """One method of `BASELINES` on every reference mask, image by image, in worker processes."""
    # Worker processes read these when they load their libraries.
    os.environ.update(ONE_THREAD)
    with ProcessPoolExecutor(processes, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        yield from pool.map(evaluate_image, [name] * len(images), images)


def evaluate_image(name: str, image: EvaluationImage) -> ImageResult:
    """One method on one image, from centre clicks."""
    references = image.masks()
    traces = click_through(one_by_one(BASELINES[name](image.picture())), references)
    masks = tuple(
        MaskResult(number, area_share(reference), trace, boundary_ious(trace, reference))
        for number, reference, trace in zip(image.numbers, references, traces, strict=True)
    )
    return ImageResult(image, masks, None)
