"""One step of training: which prompts the decoder is shown, and what is differentiated."""

from typing import Any

import pytest
import torch
from torch import Tensor

from model_server.sam.build import TINY
from model_server.training.augmentation import Augmentation
from model_server.training.dataset import Batch, BatchDataset, read_coco_folder
from model_server.training.draws import Draws
from model_server.training.log import Stopwatch
from model_server.training.rounds import train_step
from model_server.training.settings import Phase, TrainSettings
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.random_weights import random_sam

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    folder = write_coco_folder(tmp_path_factory.mktemp("coco") / "set")
    return BatchDataset(
        read_coco_folder(folder, None),
        seed=1,
        input_size=TINY.input_size,
        low_res_size=TINY.low_res_size,
        images_per_batch=2,
        masks_per_image=3,
        augmentation=Augmentation(),
        last_batch=1,
    )[0]


def step(sam: Any, batch: Batch, num_rounds: int, **options: Any) -> dict[str, Tensor]:
    phase = Phase(1.0, TINY.input_size, 2, 3, num_rounds)
    settings = TrainSettings(("",), "", precision="fp32", silent_rounds="paper", **options)
    watch = Stopwatch(CPU, synchronised=False)
    return train_step(sam, batch, phase, settings, Draws(7), watch)


def test_eleven_rounds_show_the_decoder_what_the_paper_says(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = random_sam(TINY).train()
    shown: list[tuple[Tensor, Tensor | None]] = []
    encoded: list[int] = []
    decode, encode = sam.decode_points, sam.image_encoder.forward

    def spy(embeddings: Tensor, coords: Tensor, labels: Tensor, logits: Tensor | None) -> Any:
        shown.append((labels, logits))
        return decode(embeddings, coords, labels, logits)

    def counted(pixels: Tensor) -> Tensor:
        encoded.append(len(pixels))
        return encode(pixels)

    monkeypatch.setattr(sam, "decode_points", spy)
    monkeypatch.setattr(sam.image_encoder, "forward", counted)
    seen = step(sam, batch, 11, box_share=0.5)
    assert encoded == [2], "all rounds share one pass of the encoder"
    assert {f"loss_{number}" for number in range(1, 12)} < seen.keys()
    lengths = [labels.shape[1] for labels, _ in shown]
    assert lengths[0] == 2 and lengths[-1] == 2 + 8 and lengths[-1] == lengths[-2]
    silent = [number for number in range(1, 11) if lengths[number] == lengths[number - 1]]
    assert len(silent) == 2
    first, last = shown[0][0], shown[-1][0]
    assert {tuple(row) for row in first.tolist()} == {(1, -1), (2, 3)}
    assert torch.equal(last[:, :2], first), "earlier prompts stay"
    assert set(last[:, 2:].flatten().tolist()) <= {0, 1}
    assert shown[0][1] is None
    for _, logits in shown[1:]:
        assert logits is not None and logits.shape == (6, 1, 32, 32)
        assert not logits.requires_grad
        assert len(logits.unique()) > 2, "the logits are not thresholded"


def gradient(batch: Batch, num_rounds: int, **options: Any) -> Tensor:
    sam = random_sam(TINY).train()
    step(sam, batch, num_rounds, **options)
    found = sam.mask_decoder.get_parameter("output_upscaling.0.weight").grad
    assert found is not None
    return found


def test_linked_rounds_also_learn_what_to_hand_on(batch: Batch) -> None:
    apart, linked = gradient(batch, 4), gradient(batch, 4, link_rounds=True)
    assert not torch.allclose(apart, linked, rtol=1e-3, atol=1e-6)


def test_a_frozen_encoder_costs_no_backward_pass(batch: Batch) -> None:
    sam = random_sam(TINY).train()
    sam.image_encoder.requires_grad_(False)
    step(sam, batch, 4)
    assert all(p.grad is None for p in sam.image_encoder.parameters())
    assert sam.mask_decoder.iou_token.weight.grad is not None
