"""Training learns, stops when asked, and continues exactly where it stopped."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model_server.evaluation.network import evaluate_network
from model_server.evaluation.scores import Scores, summarise
from model_server.sam.build import TINY_MAPS, build_sam, load_weights, read_config
from model_server.sam.predictor import Predictor
from model_server.training.evaluate import load_predictor, read_images
from model_server.training.settings import Phase, TrainSettings, read_settings
from model_server.training.train import train
from tests.model_server.coco_folder import write_coco_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco_folder(tmp_path_factory.mktemp("coco") / "set")


def settings_for(folder: Path, out: Path, steps: int) -> TrainSettings:
    return TrainSettings(
        data=(str(folder),),
        out=str(out),
        config="tiny_maps",
        steps=steps,
        phases=(Phase(1.0, 64, 2, 2, 2),),
        warm_up_steps=2,
        learning_rate=3e-3,
        threads=1,
        loaders=0,
        log_steps=5,
    )


def mean_loss(lines: list[dict[str, float]]) -> float:
    return float(np.mean([line["loss_1"] for line in lines]))


def test_the_loss_falls_and_weights_load_strictly(folder: Path, tmp_path: Path) -> None:
    weights = train(settings_for(folder, tmp_path, 30))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert mean_loss(lines[-2:]) < 0.8 * mean_loss(lines[:1])
    last = lines[-1]
    assert last["masks_per_s"] == pytest.approx(2 * last["images_per_s"], rel=0.01)
    assert {"data", "encoder", "clicks", "decoder", "optimiser"} < last["time"].keys()
    assert 0.9 < sum(last["time"].values()) < 1.01
    described = tmp_path / "weights.json"
    sam = build_sam(read_config(described))
    load_weights(sam, weights)
    assert json.loads(described.read_text())["training"]["step"] == 30
    stored = load_file(str(weights))
    wide = {name for name, t in stored.items() if t.dtype == torch.float32}
    assert wide == {name for name in stored if ".running_" in name}, "statistics may overflow"
    assert {t.dtype for t in stored.values()} <= {torch.float16, torch.float32, torch.int64}


def test_a_short_training_finds_objects_it_has_not_seen(tmp_path: Path) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=14, num_dev=6)
    settings = TrainSettings(
        data=(str(folder),),
        out=str(tmp_path / "out"),
        config="tiny_maps",
        steps=45,
        phases=(Phase(1.0, 96, 6, 2, 2, 0.8, 1.3),),
        learning_rate=1e-2,
        warm_up_steps=5,
        iou_weight=1.0,
        others_share=0.0,  # the paper's: candidates part, so that ranking them matters
        precision="fp32",
        threads=1,
        loaders=0,
    )
    trained = clicked_scores(load_predictor(train(settings), 96), folder)
    untrained = build_sam(TINY_MAPS)
    untrained.resize_frame(96)
    assert clicked_scores(Predictor(untrained), folder).miou_at[1] < 0.3
    print(trained.miou_at, trained.ranking)
    assert trained.num_masks == 12
    assert trained.miou_at[1] > 0.7
    assert trained.miou_at[3] > 0.65
    assert trained.ranking.chosen.by_mask > trained.ranking.random.by_mask + 0.2


def clicked_scores(predictor: Predictor, folder: Path) -> Scores:
    found = evaluate_network(predictor, read_images(folder, "dev"), protocols=["centre"])
    return summarise(list(found))


INTERRUPTED_RUN = """
import os, signal, sys
from model_server.training import train as module
real_step, real_save, calls = module.train_step, module.Checkpoints.save, []

def step(*arguments):
    calls.append(1)
    if len(calls) == 5:
        os.kill(os.getpid(), signal.{signal})
    return real_step(*arguments)

def save(self, sam, average, optimizer, progress, *others):
    if progress.step >= 3 and progress.step != 4:
        real_save(self, sam, average, optimizer, progress, *others)

module.train_step, module.Checkpoints.save = step, save
settings, resume = module.read_settings(sys.argv[1:])
module.train(settings, resume=resume)
"""


@pytest.mark.parametrize(("signal", "step"), [("SIGKILL", 3), ("SIGTERM", 5)])
def test_an_interrupted_run_continues_to_the_same_bits(
    folder: Path, tmp_path: Path, signal: str, step: int
) -> None:
    """Killed, a run loses the steps since its checkpoint and takes them again; asked to end, it
    loses none. Weights, averages and moments of AdamW all agree with a run in one piece."""
    whole = replace(
        settings_for(folder, tmp_path / "whole", 8),
        drop_path=0.5,
        dropout=0.1,
        log_steps=2,
        checkpoint_seconds=0.0,
    )
    parted = replace(whole, out=str(tmp_path / "parted"))
    arguments = ["--data", str(folder), "--out", parted.out, "--config", "tiny_maps"]
    arguments += ["--steps", "8", "--phase", "1,64,2,2,2,0.6,2.2", "--warm-up-steps", "2"]
    arguments += ["--learning-rate", "3e-3", "--threads", "1", "--loaders", "0"]
    arguments += ["--drop-path", "0.5", "--dropout", "0.1", "--log-steps", "2"]
    arguments += ["--checkpoint-seconds", "0"]
    assert read_settings(arguments) == (parted, False)
    script = INTERRUPTED_RUN.replace("{signal}", signal)
    ended = subprocess.run([sys.executable, "-c", script, *arguments], check=False)
    assert ended.returncode == (-9 if signal == "SIGKILL" else 0)
    assert checkpoint_of(parted)["progress"]["step"] == step
    train(parted, resume=True)
    train(whole)
    first, second = checkpoint_of(whole), checkpoint_of(parted)
    assert first["progress"]["step"] == 8
    for part in ("weights", "average", "optimizer"):
        assert_same_bits(first[part], second[part])
    assert losses_logged(whole)[-1] == losses_logged(parted)[-1]
    assert [line["step"] for line in log_of(parted)] == [2, 4, 6, 8]


def test_drop_path_and_dropout_change_what_is_learnt(folder: Path, tmp_path: Path) -> None:
    plain = settings_for(folder, tmp_path / "plain", 2)
    dropped = replace(plain, out=str(tmp_path / "dropped"), drop_path=0.5, dropout=0.1)
    first, second = load_file(str(train(plain))), load_file(str(train(dropped)))
    changed = {key for key in first if not torch.equal(first[key], second[key])}
    assert any(key.startswith("image_encoder.stage16") for key in changed)
    assert any(key.startswith("mask_decoder.transformer") for key in changed)


def checkpoint_of(settings: TrainSettings) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(Path(settings.out) / "checkpoint.pt", weights_only=True)
    return found


def log_of(settings: TrainSettings) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (Path(settings.out) / "log.jsonl").read_text().split("\n")[:-1]
    ]


def losses_logged(settings: TrainSettings) -> list[tuple[float, float]]:
    return [(line["loss_1"], line["loss_2"]) for line in log_of(settings)]


def assert_same_bits(first: Any, second: Any) -> None:
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same_bits(first[key], second[key])
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    else:
        assert first == second


def test_fine_tuning_with_a_frozen_encoder_leaves_the_encoder_alone(
    folder: Path, tmp_path: Path
) -> None:
    base = train(settings_for(folder, tmp_path / "base", 2))
    tuned = replace(
        settings_for(folder, tmp_path / "tuned", 3), init=str(base), freeze_encoder=True
    )
    before, after = load_file(str(base)), load_file(str(train(tuned)))
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed
    assert not any(key.startswith("image_encoder.") for key in changed)


def test_what_is_written_keeps_its_share_of_the_weights_fine_tuned_from(
    folder: Path, tmp_path: Path
) -> None:
    base = train(settings_for(folder, tmp_path / "base", 2))
    whole = replace(settings_for(folder, tmp_path / "whole", 3), init=str(base))
    kept = replace(whole, out=str(tmp_path / "kept"), start_share=0.25)
    start, end = load_file(str(base)), load_file(str(train(whole)))
    for key, value in load_file(str(train(kept))).items():
        if value.is_floating_point():
            wanted = 0.25 * start[key].float() + 0.75 * end[key].float()
            assert torch.allclose(value.float(), wanted, rtol=2e-3, atol=1e-5), key
    checkpoints = [
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        for name in ("whole", "kept")
    ]
    assert_same_bits(checkpoints[0]["weights"], checkpoints[1]["weights"])
