"""Compares every graph of a bundle with torch, over prompts of all kinds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from common.manifest import ENCODER_GRAPH
from model_server.sam.labels import (
    BACKGROUND_LABEL,
    BOX_END_LABEL,
    BOX_START_LABEL,
    FOREGROUND_LABEL,
    PADDING_LABEL,
)
from model_server.sam.sam import Sam

TOLERANCE = 1e-3  # logits, predicted IoU, embedding values
PROMPTS_ON_NOISE = ((1, False), (2, False), (5, False), (11, False), (0, True), (3, True))
PROMPTS_ON_PICTURE = ((1, False), (1, True))  # number of clicks, and whether there is a box
ALONE_POINTS = 2
ORIGINAL_SIZE = (75, 50)  # height and width the official graph upscales to; not square
SEED = 20

Array = NDArray[np.float32]
Run = Callable[[Mapping[str, Array]], dict[str, Array]]


class VerificationFailed(Exception):
    """A graph gives other numbers than torch."""


@dataclass(frozen=True)
class PromptCase:
    """Points in the model frame with padding or box corners, and previous logits."""

    name: str
    coords: Tensor  # [1, P, 2]
    labels: Tensor  # [1, P]
    mask: Tensor | None  # [1, 1, 4g, 4g]


@dataclass(frozen=True)
class Answer:
    """Logits [1, 4, 4g, 4g] and predicted IoU [1, 4]."""

    masks: Tensor
    iou: Tensor


@dataclass(frozen=True)
class ExampleImage:
    """An embedding [1, C, g, g], what `prepare` made of it, and the prompts to try."""

    name: str
    embedding: Tensor
    prepared: Mapping[str, Array]
    prompts: Sequence[tuple[int, bool]]


@dataclass(frozen=True)
class Difference:
    """Largest absolute difference between a graph and torch for one case."""

    graph: str
    case: str
    value: float


def verify_graphs(sam: Sam, graphs: Mapping[str, bytes]) -> list[Difference]:
    """Compare all graphs with `sam`; only that of the encoder may be missing.

    Raises:
        VerificationFailed: a difference above `TOLERANCE`, or a number that is not finite.
    """
    runs = {name: start(content) for name, content in graphs.items()}
    with torch.no_grad():
        found = [*compare_encoder(sam, runs[ENCODER_GRAPH])] if ENCODER_GRAPH in runs else []
        for image in example_images(sam, runs["prepare.onnx"]):
            for case in draw_cases(sam, image.prompts):
                found += compare_case(sam, runs, image, case)
    refuse_large(found)
    return found


def refuse_large(differences: list[Difference]) -> None:
    """Raise if one is above the tolerance; not-a-number is above everything.

    Raises:
        VerificationFailed: naming graph, case and difference.
    """
    bad = [d for d in differences if not d.value <= TOLERANCE]
    if bad:
        listed = "; ".join(f"{d.graph} {d.case}: {d.value:.3g}" for d in bad[:5])
        raise VerificationFailed(f"{len(bad)} comparisons above {TOLERANCE}: {listed}")


def start(content: bytes) -> Run:
    """A function that runs a graph by names; inputs the graph does not declare are an error."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # torch computes too
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(outputs, session.run(outputs, dict(inputs)), strict=True))

    return run


def example_images(sam: Sam, prepare: Run) -> Iterator[ExampleImage]:
    """Noise, and what the encoder says about a picture."""
    grid = sam.prompt_encoder.grid
    noise = torch.randn(1, sam.embedding_channels, grid, grid, generator=seeded())
    picture = sam.image_encoder(draw_picture(sam))
    for name, embedding, prompts in (
        ("noise", noise, PROMPTS_ON_NOISE),
        ("picture", picture, PROMPTS_ON_PICTURE),
    ):
        prepared = prepare({"image_embeddings": embedding.numpy()})
        yield ExampleImage(name, embedding, prepared, prompts)


def draw_picture(sam: Sam) -> Tensor:
    """A normalised picture [1, 3, S, S]: ramps, a bright disc, and padding at the bottom."""
    size = sam.prompt_encoder.input_size
    ramp = torch.linspace(0, 255, size)
    disc = ((ramp[:, None] - 90) ** 2 + (ramp[None] - 150) ** 2 < 40**2) * 120.0
    grain = torch.rand(size, size, generator=seeded()) * 20
    red = (ramp[None] * 0.5 + disc + grain).expand(size, size)
    picture = sam.normalise(torch.stack([red, red.T, 255 - ramp[:, None].expand(size, size)]))
    picture[:, 3 * size // 4 :] = 0.0
    return picture[None]


def draw_cases(sam: Sam, clicks_and_boxes: Sequence[tuple[int, bool]]) -> Iterator[PromptCase]:
    """One prompt for each number of clicks, with a box or not, without previous logits."""
    dice = seeded()
    for clicks, boxed in clicks_and_boxes:
        coords, labels = draw_points(sam.prompt_encoder.input_size, clicks, boxed, dice)
        yield PromptCase(f"{clicks} clicks" + " and a box" * boxed, coords, labels, None)


def draw_points(
    input_size: int, clicks: int, boxed: bool, dice: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Clicks of alternating labels, then the corners of a box, or padding: [1, P, 2], [1, P]."""
    coords = torch.rand(clicks, 2, generator=dice) * input_size
    labels = [(FOREGROUND_LABEL, BACKGROUND_LABEL)[i % 2] for i in range(clicks)]
    if boxed:
        corners = torch.rand(2, 2, generator=dice).sort(dim=0).values * input_size
        return join(coords, corners), torch.tensor(
            [[*labels, BOX_START_LABEL, BOX_END_LABEL]]
        ) * 1.0
    return join(coords, torch.zeros(1, 2)), torch.tensor([[*labels, PADDING_LABEL]]) * 1.0


def join(first: Tensor, second: Tensor) -> Tensor:
    """Points [P, 2] and [Q, 2] to [1, P + Q, 2]."""
    return torch.cat([first, second]).unsqueeze(0)


def decode_by_torch(sam: Sam, embedding: Tensor, case: PromptCase) -> Answer:
    """What the network itself says."""
    return Answer(*sam.decode_points(embedding, case.coords, case.labels, case.mask))


def compare_encoder(sam: Sam, run: Run) -> Iterator[Difference]:
    """The encoder graph on one picture, in units of the embedding's spread where that exceeds 1."""
    picture = draw_picture(sam)
    expected = sam.image_encoder(picture)
    unit = max(1.0, float(expected.std()))
    found = run({"image": picture.numpy()})["image_embeddings"] / np.float32(unit)
    yield difference(ENCODER_GRAPH, "picture", found, expected / unit)


def compare_case(
    sam: Sam, runs: Mapping[str, Run], image: ExampleImage, case: PromptCase
) -> Iterator[Difference]:
    """All graphs on one prompt, then on the same prompt with the answer as mask prompt."""
    answer = decode_by_torch(sam, image.embedding, case)
    yield from compare_ours(runs["decode.onnx"], "decode.onnx", image, case, answer)
    yield from compare_official(sam, runs["official.onnx"], image, case, answer)
    again = replace(case, name=f"{case.name} on a mask", mask=answer.masks[:, :1])
    answer = decode_by_torch(sam, image.embedding, again)
    yield from compare_ours(runs["refine.onnx"], "refine.onnx", image, again, answer)
    yield from compare_official(sam, runs["official.onnx"], image, again, answer)


def compare_ours(
    run: Run, graph: str, image: ExampleImage, case: PromptCase, answer: Answer
) -> Iterator[Difference]:
    """`decode` or `refine` on a prepared image."""
    inputs = {**image.prepared, "point_coords": case.coords.numpy()}
    inputs["point_labels"] = case.labels.numpy()
    if case.mask is not None:
        inputs["mask_input"] = case.mask.numpy()
    found, name = run(inputs), f"{image.name}, {case.name}"
    yield difference(graph, f"{name}, logits", found["low_res_masks"], answer.masks)
    yield difference(graph, f"{name}, predicted IoU", found["iou_predictions"], answer.iou)


def compare_official(
    sam: Sam, run: Run, image: ExampleImage, case: PromptCase, answer: Answer
) -> Iterator[Difference]:
    """The official graph, whose single mask the prompt's number of points chooses."""
    found, name = run_official(run, sam, image.embedding, case), f"{image.name}, {case.name}"
    masks, iou = choose(answer, case.labels.shape[1])
    yield difference("official.onnx", f"{name}, logits", found["low_res_masks"], masks)
    yield difference("official.onnx", f"{name}, predicted IoU", found["iou_predictions"], iou)
    yield difference("official.onnx", f"{name}, upscaled", found["masks"], upscale(sam, masks))


def run_official(run: Run, sam: Sam, embedding: Tensor, case: PromptCase) -> dict[str, Array]:
    """The official graph; without a mask prompt it gets zeros and is told so."""
    size = sam.prompt_encoder.low_res_size
    no_mask = torch.zeros(1, 1, size, size)
    return run(
        {
            "image_embeddings": embedding.numpy(),
            "point_coords": case.coords.numpy(),
            "point_labels": case.labels.numpy(),
            "mask_input": (no_mask if case.mask is None else case.mask).numpy(),
            "has_mask_input": np.array([case.mask is not None], np.float32),
            "orig_im_size": np.array(ORIGINAL_SIZE, np.float32),
        }
    )


def choose(answer: Answer, num_points: int) -> tuple[Tensor, Tensor]:
    """Token 0 for several points, padding counted, else the best of tokens 1 to 3."""
    best = 1 + int(answer.iou[0, 1:].argmax()) if num_points <= ALONE_POINTS else 0
    return answer.masks[:, best : best + 1], answer.iou[:, best : best + 1]


def upscale(sam: Sam, low_res: Tensor) -> Tensor:
    """The published upscaling of [1, 1, 4g, 4g]: to the model frame, cut, to the original size."""
    size = sam.prompt_encoder.input_size
    height, width = (int(side * size / max(ORIGINAL_SIZE) + 0.5) for side in ORIGINAL_SIZE)
    framed = F.interpolate(low_res, (size, size), mode="bilinear", align_corners=False)
    used = framed[..., :height, :width]
    return F.interpolate(used, ORIGINAL_SIZE, mode="bilinear", align_corners=False)


def difference(graph: str, case: str, found: Array, expected: Tensor) -> Difference:
    """Largest absolute difference; shapes must agree."""
    if found.shape != tuple(expected.shape):
        raise VerificationFailed(f"{graph} {case}: shape {found.shape}, not {expected.shape}")
    return Difference(graph, case, float(np.abs(found - expected.numpy()).max()))


def seeded() -> torch.Generator:
    """Always the same dice."""
    return torch.Generator().manual_seed(SEED)
