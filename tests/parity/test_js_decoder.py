"""The browser's decoder, run by Node on the real graphs, against the network itself in torch.

The same embedding file, the same prompts: logits, candidates, predicted IoU and full-size masks must agree.
"""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco

from common.model_frame import ModelFrame, prompt_arrays, upscale_logits
from model_server.sam.build import build_sam, load_weights, read_config
from model_server.sam.sam import Sam
from onnx_export.verify import PromptCase, decode_by_torch
from tests.example_embedding import (
    HEIGHT,
    IMAGE_SHA256,
    WIDTH,
    example_frame,
    example_values,
    write_example_embedding,
)

NODE_SCRIPT = Path(__file__).with_name("decoder_cases.js")
LOGIT_TOLERANCE = 2e-3
Array = NDArray[np.float32]
Json = Any


@dataclass(frozen=True)
class Prompt:
    """Points x, y, label in image pixels, a box or None, and whether previous logits are given."""

    points: tuple[tuple[float, float, int], ...]
    box: tuple[float, float, float, float] | None = None
    refines: bool = False

    @property
    def num_tokens(self) -> int:
        """Points with padding or box corners."""
        return len(self.points) + (2 if self.box else 1)


PROMPTS = (
    Prompt(((37, 61, 1),)),
    Prompt(((149, 0, 1),)),
    Prompt((), box=(20, 11, 95, 80)),
    Prompt(((37, 61, 1), (90, 20, 0))),
    Prompt(((37, 61, 1), (90, 20, 0), (12, 88, 1), (60, 60, 1), (140, 90, 0))),
    Prompt(((37, 61, 1),), box=(20, 11, 95, 80)),
    Prompt(((37, 61, 1),), refines=True),
    Prompt(((37, 61, 1), (90, 20, 0), (12, 88, 1)), refines=True),
    Prompt((), refines=True),
)


@dataclass(frozen=True)
class Scene:
    """A bundle, one embedded picture, and what Node answered for it."""

    manifest: dict[str, Json]
    frame: ModelFrame
    embedding: Array  # [1, C, g, g]
    previous: Array  # [1, 1, L, L] logits given back
    sam: Sam
    answers: dict[str, Json]


@pytest.fixture(scope="module")
def scene(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Everything asked of Node in one run."""
    return ask_node(bundle, tmp_path_factory.mktemp("decoder"))


def ask_node(bundle: Path, folder: Path) -> Scene:
    """Write the embedding files, ask, read the answers."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    frame = example_frame(manifest)
    rng = np.random.default_rng(4)
    content = write_example_embedding(folder / "good.emb", manifest)
    damaged = bytearray(content)
    damaged[-5] ^= 1
    (folder / "damaged.emb").write_bytes(damaged)
    (folder / "short.emb").write_bytes(content[:-2])
    previous = rng.normal(0, 4, (1, 1, frame.low_res_size, frame.low_res_size)).astype(np.float32)
    damage_graph(bundle, folder / "damaged-bundle")
    asked = cases(bundle, folder, manifest, previous)
    (folder / "cases.json").write_text(json.dumps([case for _, case in asked]))
    command = ["node", str(NODE_SCRIPT), str(folder / "cases.json"), str(folder / "answers.json")]
    subprocess.run(command, check=True, timeout=300)
    answers = json.loads((folder / "answers.json").read_text())
    return Scene(
        manifest=manifest,
        frame=frame,
        embedding=example_values(manifest).astype(np.float32)[None],
        previous=previous,
        sam=load_network(bundle),
        answers={name: answer for (name, _), answer in zip(asked, answers, strict=True)},
    )


def load_network(bundle: Path) -> Sam:
    """The network of a bundle."""
    sam = build_sam(read_config(bundle / "config.json"))
    load_weights(sam, bundle / "weights.safetensors")
    return sam.eval()


def damage_graph(bundle: Path, copy: Path) -> None:
    """A bundle with one flipped bit in a graph."""
    copy.mkdir()
    for name in ("prepare.onnx", "decode.onnx", "refine.onnx"):
        content = bytearray((bundle / name).read_bytes())
        if name == "refine.onnx":
            content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)


def cases(
    bundle: Path, folder: Path, manifest: dict[str, Json], previous: Array
) -> list[tuple[str, Json]]:
    """What Node shall do, in order."""
    expected = {"imageSha256": IMAGE_SHA256, "encoderFingerprint": manifest["encoder_fingerprint"]}
    model = {"manifestUrl": str(bundle / "manifest.json"), "filesUrl": str(bundle)}
    image = {"imageKey": "one", "embeddingUrl": str(folder / "good.emb"), "expected": expected}
    other = {**expected, "imageSha256": "cd" * 32}
    asked: list[tuple[str, str, Json]] = [
        ("no model", "openImage", image),
        ("damaged model", "loadModel", {**model, "filesUrl": str(folder / "damaged-bundle")}),
        ("model", "loadModel", model),
        ("not open", "decode", {"imageKey": "two", "prompt": told(PROMPTS[0]), "maskInput": None}),
        ("damaged", "openImage", {**image, "embeddingUrl": str(folder / "damaged.emb")}),
        ("short", "openImage", {**image, "embeddingUrl": str(folder / "short.emb")}),
        ("other image", "openImage", {**image, "expected": other}),
        ("image", "openImage", image),
        ("self-test", "selfTest", None),
    ]
    logits = base64.b64encode(previous.tobytes()).decode()
    for number, prompt in enumerate(PROMPTS):
        mask = logits if prompt.refines else None
        given = {"imageKey": "one", "prompt": told(prompt), "maskInput": mask}
        asked.append((f"prompt {number}", "decode", given))
    return [(name, {"kind": kind, "given": given}) for name, kind, given in asked]


def told(prompt: Prompt) -> Json:
    """The prompt as the browser writes it."""
    points = [{"x": x, "y": y, "label": label} for x, y, label in prompt.points]
    return {"points": points, "box": prompt.box}


def torch_answer(scene: Scene, prompt: Prompt) -> tuple[Array, Array]:
    """Low-res logits [4, L, L] and predicted IoU [4] of the network."""
    points = np.array([point[:2] for point in prompt.points], float).reshape(-1, 2)
    labels = np.array([point[2] for point in prompt.points], float)
    box = None if prompt.box is None else np.array(prompt.box)
    coords, marks = prompt_arrays(points=points, labels=labels, box=box, frame=scene.frame)
    mask = torch.from_numpy(scene.previous) if prompt.refines else None
    case = PromptCase("", torch.from_numpy(coords[None]), torch.from_numpy(marks[None]), mask)
    with torch.no_grad():
        answer = decode_by_torch(scene.sam, torch.from_numpy(scene.embedding), case)
    return answer.masks[0].numpy(), answer.iou[0].numpy()


def logits_of(candidate: Json, scene: Scene) -> Array:
    """A candidate's low-res logits [L, L] from Node's answer."""
    side = scene.frame.low_res_size
    content = base64.b64decode(candidate["lowRes"])
    return np.frombuffer(content, np.float32).reshape(side, side)


def test_the_model_and_the_image_open(scene: Scene) -> None:
    assert scene.answers["model"]["result"] == {
        "bundleFingerprint": scene.manifest["bundle_fingerprint"],
        "encoderFingerprint": scene.manifest["encoder_fingerprint"],
        "inputSize": scene.manifest["input_size"],
        "lowResSize": scene.manifest["low_res"],
    }
    assert scene.answers["image"]["result"]["newHeight"] == scene.frame.new_height
    assert scene.answers["self-test"]["result"] > 0


@pytest.mark.parametrize("number", range(len(PROMPTS)))
def test_logits_and_candidates_are_those_of_the_network(scene: Scene, number: int) -> None:
    prompt = PROMPTS[number]
    logits, iou = torch_answer(scene, prompt)
    candidates = scene.answers[f"prompt {number}"]["result"]
    tokens = [candidate["token"] for candidate in candidates]
    assert sorted(tokens) == ([1, 2, 3] if prompt.num_tokens <= 2 else [0])
    predicted = [candidate["predictedIou"] for candidate in candidates]
    assert predicted == sorted(predicted, reverse=True)
    for candidate in candidates:
        token = candidate["token"]
        np.testing.assert_allclose(logits_of(candidate, scene), logits[token], atol=LOGIT_TOLERANCE)
        assert candidate["predictedIou"] == pytest.approx(float(iou[token]), abs=LOGIT_TOLERANCE)


@pytest.mark.parametrize("number", range(len(PROMPTS)))
def test_masks_are_the_thresholded_logits_of_the_one_definition(scene: Scene, number: int) -> None:
    for candidate in scene.answers[f"prompt {number}"]["result"]:
        logits = logits_of(candidate, scene)
        mask = (upscale_logits(logits, scene.frame) > 0).astype(np.uint8)
        wanted = coco.encode(np.asfortranarray(mask))["counts"].decode()
        assert candidate["rle"] == {"size": [HEIGHT, WIDTH], "counts": wanted}
        outer = int((logits > -1).sum())
        stability = int((logits > 1).sum()) / outer if outer else 0
        assert candidate["stability"] == pytest.approx(stability)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("no model", "no_model"),
        ("damaged model", "damaged_model"),
        ("not open", "unknown_image"),
        ("damaged", "damaged_embedding"),
        ("short", "damaged_embedding"),
        ("other image", "wrong_embedding"),
    ],
)
def test_what_does_not_match_is_refused_by_name(scene: Scene, case: str, code: str) -> None:
    assert scene.answers[case] == {"refused": code}
