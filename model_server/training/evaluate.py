"""Mean IoU after simulated clicks: `python -m model_server.training.evaluate`.

Centre-point protocol of the paper (appendix D.1): the first click is the deepest pixel of the
reference mask, every later one the deepest pixel of the larger error of the last mask.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from common.metrics import Click, Mask, iou, next_click
from model_server.sam.build import build_sam, load_weights, read_config
from model_server.sam.predictor import Embedding, Predictor
from model_server.training.dataset import ImageRecord, decode_mask, read_coco_folder

CLICK_COUNTS = (1, 2, 3, 5, 9)
GRABCUT_SURE_RADIUS_PX = 3
GRABCUT_PROBABLE_SHARE = 0.1  # of the longest image side

Segment = Callable[[Sequence[Click]], Mask]  # the mask after all clicks so far


@dataclass(frozen=True)
class Scores:
    """What an evaluation found; IoU from 0 to 1, every mask counting the same."""

    num_images: int
    num_masks: int
    miou_at: dict[int, float]  # number of clicks to mean IoU
    miou_by_source_at: dict[int, float]  # the mean over sources of their means
    oracle_miou_at_1: float | None  # best of the candidates by true IoU


@dataclass(frozen=True)
class Curve:
    """IoU of one reference mask after each click, and the best candidate of the first."""

    source: str
    ious: tuple[float, ...]
    oracle: float


class ModelSegmenter:
    """Answers clicks on one object with the network, feeding its logits back."""

    def __init__(self, predictor: Predictor, embedding: Embedding) -> None:
        self.predictor = predictor
        self.embedding = embedding
        self.previous: NDArray[np.float32] | None = None
        self.first_masks: list[Mask] = []

    def __call__(self, clicks: Sequence[Click]) -> Mask:
        """The mask with the highest predicted IoU after all `clicks`."""
        # A click means the centre of its pixel; the prompt encoder adds half a frame pixel.
        frame = self.embedding.frame
        half = 0.5 - 0.5 * frame.width / frame.new_width
        candidates = self.predictor.predict(
            self.embedding,
            points=np.array([[click.x + half, click.y + half] for click in clicks]),
            labels=np.array([float(click.label) for click in clicks]),
            previous_logits=self.previous,
        )
        if len(clicks) == 1:
            self.first_masks = [candidate.mask for candidate in candidates]
        self.previous = candidates[0].low_res_logits
        return candidates[0].mask


def click_through(segment: Segment, reference: Mask, count: int) -> list[float]:
    """IoU after each of `count` simulated clicks; a perfect mask keeps its value."""
    clicks: list[Click] = []
    mask: Mask = np.zeros_like(reference)
    values: list[float] = []
    for _ in range(count):
        click = next_click(mask, reference, clicks)
        if click is not None:
            clicks.append(click)
            mask = segment(clicks)
        values.append(iou(mask, reference))
    return values


def reference_masks(record: ImageRecord) -> list[Mask]:
    """The reference masks of an image, [height, width] each."""
    return [decode_mask(rle).astype(bool) for rle in record.rles]


def read_picture(record: ImageRecord) -> NDArray[np.uint8]:
    """RGB [height, width, 3]."""
    return np.array(Image.open(record.path).convert("RGB"))


def evaluate_model(
    predictor: Predictor,
    records: Sequence[ImageRecord],
    report: Callable[[int], None] = lambda done: None,
) -> Scores:
    """Scores of a network on the reference masks of `records`; `report` hears images done."""
    curves: list[Curve] = []
    for number, record in enumerate(records, 1):
        embedding = predictor.embed(read_picture(record))
        for reference in reference_masks(record):
            segmenter = ModelSegmenter(predictor, embedding)
            values = click_through(segmenter, reference, CLICK_COUNTS[-1])
            oracle = max(iou(mask, reference) for mask in segmenter.first_masks)
            curves.append(Curve(record.source, tuple(values), oracle))
        report(number)
    oracle_mean = float(np.mean([curve.oracle for curve in curves]))
    return summarise(curves, len(records), oracle_mean)


def evaluate_grabcut(records: Sequence[ImageRecord], processes: int = 1) -> Scores:
    """Scores of OpenCV's GrabCut under the same protocol, as a yardstick."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        curves = [curve for found in pool.map(grabcut_curves, records) for curve in found]
    return summarise(curves, len(records), None)


def grabcut_curves(record: ImageRecord) -> list[Curve]:
    """Curves of GrabCut on the reference masks of one image; GrabCut has no candidates."""
    picture = read_picture(record)
    curves: list[Curve] = []
    for reference in reference_masks(record):
        values = click_through(grabcut_segmenter(picture), reference, CLICK_COUNTS[-1])
        curves.append(Curve(record.source, tuple(values), values[0]))
    return curves


def grabcut_segmenter(picture: NDArray[np.uint8]) -> Segment:
    """GrabCut from clicks on RGB [H, W, 3]: discs of sure pixels, wider discs of probable ones."""
    import cv2  # a development dependency, only needed for this comparison

    rows, columns = np.indices(picture.shape[:2])
    probable = GRABCUT_PROBABLE_SHARE * max(picture.shape[:2])

    def segment(clicks: Sequence[Click]) -> Mask:
        marks = np.full(picture.shape[:2], cv2.GC_PR_BGD, np.uint8)
        distances = [np.hypot(rows - click.y, columns - click.x) for click in clicks]
        for click, distance in zip(clicks, distances, strict=True):
            marks[(distance <= probable) & bool(click.label)] = cv2.GC_PR_FGD
        for click, distance in zip(clicks, distances, strict=True):
            sure = cv2.GC_FGD if click.label else cv2.GC_BGD
            marks[distance <= GRABCUT_SURE_RADIUS_PX] = sure
        if np.isin(marks, (cv2.GC_PR_BGD, cv2.GC_BGD)).any():
            background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.setRNGSeed(0)
            unused = (0, 0, 1, 1)
            cv2.grabCut(picture, marks, unused, background, foreground, 3, cv2.GC_INIT_WITH_MASK)
        result: Mask = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
        return result

    return segment


def summarise(curves: Sequence[Curve], num_images: int, oracle: float | None) -> Scores:
    """Means over masks, and over the means of the sources."""
    if not curves:
        raise ValueError("there is no reference mask to evaluate on")
    ious = np.array([curve.ious for curve in curves])
    sources = np.array([curve.source for curve in curves])
    means = np.array([ious[sources == source].mean(0) for source in sorted(set(sources))])
    return Scores(
        num_images=num_images,
        num_masks=len(curves),
        miou_at={count: round(float(ious[:, count - 1].mean()), 4) for count in CLICK_COUNTS},
        miou_by_source_at={
            count: round(float(means[:, count - 1].mean()), 4) for count in CLICK_COUNTS
        },
        oracle_miou_at_1=None if oracle is None else round(oracle, 4),
    )


def main(arguments: list[str] | None = None) -> None:
    """Evaluate weights on a split of a COCO folder, and print the scores as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="its .json lies beside it")
    parser.add_argument("--data", type=Path, required=True, help="COCO folder")
    parser.add_argument("--split", default="dev", help="empty: every image")
    parser.add_argument("--images", type=int, default=0, help="a fixed sample; 0: all")
    parser.add_argument("--grabcut", action="store_true", help="also score OpenCV's GrabCut")
    parser.add_argument("--input-size", type=int, default=0, help="another model frame; 0: its own")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    records = read_coco_folder(options.data, options.split or None)
    if 0 < options.images < len(records):
        chosen = np.random.default_rng(0).permutation(len(records))[: options.images]
        records = [records[i] for i in sorted(chosen)]
    config = read_config(options.weights.with_suffix(".json"))
    sam = build_sam(config)
    load_weights(sam, options.weights)
    if options.input_size:
        sam.resize_frame(options.input_size)
    started = time.monotonic()
    scores = {"model": asdict(evaluate_model(Predictor(sam), records))}
    scores["model"]["seconds"] = round(time.monotonic() - started, 1)
    if options.grabcut:
        scores["grabcut"] = asdict(evaluate_grabcut(records, options.threads))
    print(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
