"""Training learns, stops when asked, and continues exactly where it stopped."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model_server.sam.build import build_sam, load_weights, read_config
from model_server.training.dataset import BatchDataset, read_coco_folder
from model_server.training.train import Phase, TrainSettings, read_settings, train
from tests.model_server.coco_folder import write_coco_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco_folder(tmp_path_factory.mktemp("coco") / "set")


def settings_for(folder: Path, out: Path, steps: int) -> TrainSettings:
    return TrainSettings(
        data=str(folder),
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
    weights = train(settings_for(folder, tmp_path, 40))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert mean_loss(lines[-3:]) < 0.8 * mean_loss(lines[:2])
    described = tmp_path / "weights.json"
    sam = build_sam(read_config(described))
    load_weights(sam, weights)
    assert json.loads(described.read_text())["training"]["step"] == 40
    stored = load_file(str(weights))
    wide = {name for name, t in stored.items() if t.dtype == torch.float32}
    assert wide == {name for name in stored if ".running_" in name}, "statistics may overflow"
    assert {t.dtype for t in stored.values()} <= {torch.float16, torch.float32, torch.int64}


def test_a_stopped_run_continues_to_the_same_weights(folder: Path, tmp_path: Path) -> None:
    """The schedule must not depend on where the run stops, so both ask for six steps."""
    whole = settings_for(folder, tmp_path / "whole", 6)
    train(whole)
    parted = settings_for(folder, tmp_path / "parted", 6)
    script = (
        "import os, signal, sys\n"
        "from model_server.training import train as module\n"
        "real, calls = module.train_step, []\n"
        "def step(*arguments):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 3: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return real(*arguments)\n"
        "module.train_step = step\n"
        "settings, _ = module.read_settings(sys.argv[1:])\n"
        "module.train(settings)\n"
    )
    arguments = ["--data", str(folder), "--out", parted.out, "--config", "tiny_maps"]
    arguments += ["--steps", "6", "--phase", "1,64,2,2,2,0.6,2.2", "--warm-up-steps", "2"]
    arguments += ["--learning-rate", "3e-3", "--threads", "1", "--loaders", "0"]
    arguments += ["--log-steps", "5"]
    assert read_settings(arguments)[0] == parted
    subprocess.run([sys.executable, "-c", script, *arguments], check=True)
    saved = torch.load(tmp_path / "parted" / "checkpoint.pt", weights_only=True)
    assert saved["progress"]["step"] == 3
    train(parted, resume=True)
    first = load_file(str(tmp_path / "whole" / "weights.safetensors"))
    second = load_file(str(tmp_path / "parted" / "weights.safetensors"))
    assert all(torch.equal(first[key], second[key]) for key in first)


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


def test_a_batch_depends_on_its_number_only(folder: Path) -> None:
    records = read_coco_folder(folder, "train")
    dataset = BatchDataset(
        records,
        seed=5,
        input_size=64,
        low_res_size=32,
        images_per_batch=3,
        masks_per_image=2,
        augmentation=TrainSettings("", "").augmentation,
        last_batch=10,
    )
    first, again, other = dataset[4], dataset[4], dataset[5]
    assert first.pixels.shape == (3, 3, 64, 64) and first.targets.shape == (3, 2, 32, 32)
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.targets, again.targets)
    assert not torch.equal(first.pixels, other.pixels)
    assert all(target.max() > 0.5 for target in first.targets.flatten(0, 1))


def test_the_dev_split_is_left_out_of_training(folder: Path) -> None:
    assert len(read_coco_folder(folder, "train")) == 5
    assert len(read_coco_folder(folder, "dev")) == 1
    assert len(read_coco_folder(folder, None)) == 6


def test_picture_and_targets_stay_aligned(folder: Path) -> None:
    """The bar is the only green thing, wherever the crop puts it."""
    records = read_coco_folder(folder, "train")
    dataset = BatchDataset(
        records,
        seed=1,
        input_size=64,
        low_res_size=64,
        images_per_batch=1,
        masks_per_image=2,
        augmentation=replace(
            TrainSettings("", "").augmentation, colour_strength=0.0, grey_share=0.0
        ),
        last_batch=10,
    )
    for number in range(6):
        batch = dataset[number]
        red, green = batch.pixels[0, 0].float(), batch.pixels[0, 1].float()
        coloured = (red - green).abs() > 100
        inside = (batch.targets[0] > 0.9).any(0)
        assert (coloured & inside).sum() > 0.85 * inside.sum()
