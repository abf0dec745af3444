"""The command line: what docs/training.md and the product's rounds say to it."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from model_server.training.augmentation import Augmentation
from model_server.training.settings import Phase, TrainSettings, read_settings

GUIDE = Path(__file__).parents[2] / "docs" / "training.md"


def documented_arguments(config: str) -> list[str]:
    """Arguments of the command in the guide that trains `config`."""
    blocks = re.findall(r"```\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    [command] = [block for block in blocks if f"--config {config}" in block]
    words = shlex.split(command.replace("\\\n", " "))
    return words[words.index("model_server.training.train") + 1 :]


def test_the_documented_recipe_is_the_paper_s() -> None:
    settings, resume = read_settings(documented_arguments("vit_h"))
    assert not resume
    assert settings == TrainSettings(
        data=("sa1b",),
        out="runs/vit_h",
        config="vit_h",
        split="",
        steps=90_000,
        phases=(Phase(1.0, 1024, 1, 64, 11, 1.0, 1.0),),
        learning_rate=8e-4,
        warm_up_steps=250,
        schedule="step",
        milestones=(60_000 / 90_000, 86_666 / 90_000),
        layer_decay=0.8,
        weight_decay=0.1,
        ema_decay=0.0,
        drop_path=0.4,
        dropout=0.1,
        mask_loss="focal_dice",
        others_share=0.0,
        box_share=0.5,
        interior_share=0.0,
        silent_rounds="paper",
        compile=True,
        loaders=8,
        augmentation=Augmentation(flip_share=0.0, colour_strength=0.0, grey_share=0.0),
    )


def test_without_options_the_defaults_hold() -> None:
    settings, resume = read_settings(["--data", "set", "--out", "out", "--resume"])
    assert resume and settings == TrainSettings(("set",), "out")


def test_every_setting_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    text = capsys.readouterr().out
    in_phases = {"phases", "min_scale", "max_scale", "augmentation"}
    for entry in (*fields(TrainSettings), *fields(Augmentation)):
        if entry.name not in in_phases:
            assert f"--{entry.name.replace('_', '-')}" in text


def test_folders_and_phases_may_be_repeated() -> None:
    arguments = ["--data", "public", "--data", "ours:10", "--out", "out"]
    arguments += ["--phase", "0.5,256,8,3,3,0.6,2.2", "--phase", "1,512,4,2,11,0.5,1.6"]
    settings, _ = read_settings([*arguments, "--milestones", "0.5,0.75"])
    assert settings.data == ("public", "ours:10")
    assert [phase.input_size for phase in settings.phases] == [256, 512]
    assert settings.milestones == (0.5, 0.75)


def test_an_unknown_choice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--data", "set", "--out", "out", "--schedule", "linear"])
    assert "cosine" in capsys.readouterr().err
