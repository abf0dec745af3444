"""Mask statistics say what they should, and refitting them predicts the IoU better."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model_server.sam.build import TINY, TINY_MAPS
from model_server.sam.mask_statistics import MaskStatistics, statistics_of
from model_server.sam.sam import Sam
from model_server.training import calibrate as module
from model_server.training.calibrate import Predictions, calibrate, collect, fit, plain_batches
from model_server.training.dataset import Batch
from model_server.training.draws import Draws
from model_server.training.settings import Phase, TrainSettings
from model_server.training.train import train
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.random_weights import random_sam


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco_folder(tmp_path_factory.mktemp("coco") / "set")


def test_statistics_of_a_sure_a_wavering_and_an_empty_mask() -> None:
    logits = torch.full((3, 8, 16), -20.0)  # 32 of them are read
    logits[0, :4] = 20.0
    logits[1, :4] = 0.0
    confidence, stability, share = statistics_of(logits).T
    torch.testing.assert_close(confidence, torch.tensor([16 / 17, 4 / 9, 0.0]))
    assert torch.allclose(stability, torch.tensor([1.0, 0.0771, 1.0]), atol=1e-3)
    torch.testing.assert_close(share, torch.log(torch.tensor([17.0, 9.0, 1.0]) / 32))


def test_judging_a_mask_does_not_change_it() -> None:
    judge, logits = MaskStatistics(4), torch.randn(2, 4, 8, 8, requires_grad=True)
    term = judge(logits)
    assert not term.any(), "nothing is added until the weights are trained"
    term.sum().backward()
    assert logits.grad is None
    assert judge.weight.grad is not None and judge.weight.grad.all()


def batches_of(sam: Sam, folder: Path, count: int = 6) -> Iterable[Batch]:
    return plain_batches(sam, folder, "train", count)


def test_the_network_predicts_what_the_fit_promised(folder: Path) -> None:
    sam = random_sam(TINY_MAPS)
    batch = next(iter(batches_of(sam, folder)))
    first, later = collect(sam, batch, Draws(3))
    assert first.predicted.shape[1] == 3 and later.predicted.shape[1] == 1
    several, alone = fit([later]), fit([first])
    module.change(sam, several, alone)
    again, _ = collect(sam, batch, Draws(3))
    torch.testing.assert_close(again.predicted, alone.apply_to(first), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(again.reached, first.reached)


def test_refitting_brings_predictions_closer(folder: Path) -> None:
    sam = random_sam(TINY_MAPS)
    before, after = calibrate(sam, batches_of(sam, folder))
    assert after.error < 0.7 * before.error
    assert after.best == before.best and after.chosen <= after.best


def test_a_network_without_mask_statistics_is_refused(folder: Path) -> None:
    sam = random_sam(TINY)
    with pytest.raises(ValueError, match="mask statistics"):
        calibrate(sam, batches_of(sam, folder))


def test_the_command_rewrites_the_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phases = (Phase(1.0, 64, 2, 2, 2),)
    settings = TrainSettings(
        (str(folder),), str(tmp_path), "tiny_maps", steps=1, phases=phases, loaders=0, threads=1
    )
    weights = train(settings)
    before = load_file(str(weights))
    arguments = ["--data", str(folder), "--weights", str(weights), "--batches", "3"]
    module.main([*arguments, "--threads", "1"])
    assert "before: chosen" in capsys.readouterr().out
    after = load_file(str(weights))
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {
        "mask_decoder.iou_prediction_head.layers.2.weight",
        "mask_decoder.iou_prediction_head.layers.2.bias",
        "mask_decoder.mask_statistics.weight",
    }
    assert {key: t.dtype for key, t in before.items()} == {key: t.dtype for key, t in after.items()}


def test_a_unit_that_is_nearly_always_off_gets_no_large_weight() -> None:
    features, reached = torch.zeros(500, 2), torch.full((500, 1), 0.5)
    features[:, 0] = torch.linspace(0, 1, 500)
    features[7, 1], reached[7] = 0.001, 1.0
    found = fit([Predictions(features, torch.full((500, 1), 0.4), reached)])
    assert found.weights.abs().max() < 1
