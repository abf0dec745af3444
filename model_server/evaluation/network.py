"""A network under every protocol: clicks from the centre, from a random pixel, and boxes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.metrics import Click, Mask, iou
from common.model_frame import ModelFrame, prompt_arrays
from model_server.evaluation.clicking import (
    CURVE_CLICKS,
    Guess,
    ScoredGuess,
    Trace,
    click_through,
)
from model_server.evaluation.images import EvaluationImage, random_click
from model_server.evaluation.results import ImageResult, MaskResult, area_share, boundary_ious
from model_server.sam.predictor import Candidate, Embedding, Predictor

PROTOCOLS = ("centre", "random", "box")
SEED = 1
PROMPTS_TOGETHER = 4  # of one image; on a processor more gain little and fall out of its cache

Prompt = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass
class NetworkSegmenter:
    """Answers clicks with a network, feeding each object's last logits back."""

    predictor: Predictor
    embedding: Embedding

    def __post_init__(self) -> None:
        self.previous: dict[int, NDArray[np.float32]] = {}

    def __call__(
        self, numbers: Sequence[int], clicks: Sequence[Sequence[Click]]
    ) -> list[list[Guess]]:
        """The candidates for each object, highest predicted IoU first."""
        prompts = [click_prompt(made, self.embedding.frame) for made in clicks]
        logits = [self.previous[n] for n in numbers if n in self.previous]
        answers = predict_together(self.predictor, self.embedding, prompts, logits)
        for number, candidates in zip(numbers, answers, strict=True):
            self.previous[number] = candidates[0].low_res_logits
        return [guesses_of(candidates) for candidates in answers]


def click_prompt(clicks: Sequence[Click], frame: ModelFrame) -> Prompt:
    """Clicks as the decoder takes them: each means the centre of its pixel."""
    points = np.array([[click.x + 0.5, click.y + 0.5] for click in clicks])
    labels = np.array([float(click.label) for click in clicks])
    return prompt_arrays(points=points - half_pixel(frame), labels=labels, box=None, frame=frame)


def box_prompt(reference: Mask, frame: ModelFrame) -> Prompt:
    """The tight box of a mask."""
    box = tight_box(reference) - np.tile(half_pixel(frame), 2)
    return prompt_arrays(points=np.zeros((0, 2)), labels=np.zeros(0), box=box, frame=frame)


def tight_box(mask: Mask) -> NDArray[np.float64]:
    """x0, y0, x1, y1 of a mask [H, W]: its corners are the outer edges of the outermost pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def half_pixel(frame: ModelFrame) -> NDArray[np.float64]:
    """Half a frame pixel in image pixels, xy: the prompt encoder adds it."""
    return 0.5 * np.array([frame.width / frame.new_width, frame.height / frame.new_height])


def predict_together(
    predictor: Predictor,
    embedding: Embedding,
    prompts: Sequence[Prompt],
    logits: Sequence[NDArray[np.float32]] = (),
) -> list[list[Candidate]]:
    """Candidates of equally long prompts, a few decoded at a time; `logits` of all or of none."""
    answers: list[list[Candidate]] = []
    for start in range(0, len(prompts), PROMPTS_TOGETHER):
        part = slice(start, start + PROMPTS_TOGETHER)
        coords, marks = (np.stack(arrays) for arrays in zip(*prompts[part], strict=True))
        previous = np.stack(logits[part]) if logits else None
        answers += predictor.predict_arrays(embedding, coords, marks, previous)
    return answers


def guesses_of(candidates: Sequence[Candidate]) -> list[Guess]:
    """Candidates without their logits."""
    return [Guess(candidate.mask, candidate.predicted_iou) for candidate in candidates]


def evaluate_network(
    predictor: Predictor,
    images: Sequence[EvaluationImage],
    *,
    protocols: Sequence[str] = PROTOCOLS,
) -> Iterator[ImageResult]:
    """A network on every reference mask of `images`, image by image.

    The centre protocol is always run; `random` and `box` when `protocols` name them.
    """
    for image in images:
        yield evaluate_image(predictor, image, protocols)


def evaluate_image(
    predictor: Predictor, image: EvaluationImage, protocols: Sequence[str]
) -> ImageResult:
    """Encode once, then run the protocols on all masks."""
    started = time.perf_counter()
    embedding = predictor.embed(image.picture())
    embedding_seconds = time.perf_counter() - started
    references = image.masks()
    centre = click_through(NetworkSegmenter(predictor, embedding), references)
    random: Sequence[Trace | None] = [None] * len(references)
    if "random" in protocols:
        first = [
            random_click(image, number, reference, SEED)
            for number, reference in zip(image.numbers, references, strict=True)
        ]
        segmenter = NetworkSegmenter(predictor, embedding)
        random = click_through(segmenter, references, first, limit=CURVE_CLICKS)
    boxes: Sequence[tuple[ScoredGuess, ...]] = [()] * len(references)
    if "box" in protocols:
        boxes = answer_boxes(predictor, embedding, references)
    masks = tuple(
        MaskResult(
            number=number,
            area_share=area_share(reference),
            centre=centre[i],
            boundary_iou_at=boundary_ious(centre[i], reference),
            random=random[i],
            box=boxes[i],
        )
        for i, (number, reference) in enumerate(zip(image.numbers, references, strict=True))
    )
    return ImageResult(image, masks, embedding_seconds)


def answer_boxes(
    predictor: Predictor, embedding: Embedding, references: Sequence[Mask]
) -> list[tuple[ScoredGuess, ...]]:
    """The candidates for the box of each reference, highest predicted IoU first."""
    prompts = [box_prompt(reference, embedding.frame) for reference in references]
    answers = predict_together(predictor, embedding, prompts)
    return [
        tuple(ScoredGuess(c.predicted_iou, iou(c.mask, reference)) for c in candidates)
        for candidates, reference in zip(answers, references, strict=True)
    ]
