"""The evaluation clicks like the protocol and averages like it says."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from common.metrics import Click
from model_server.sam.build import CONFIGS, config_to_json
from model_server.sam.predictor import Predictor
from model_server.training.dataset import read_coco_folder
from model_server.training.evaluate import (
    Curve,
    click_through,
    evaluate_grabcut,
    evaluate_model,
    main,
    summarise,
)
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.random_weights import random_sam


def test_clicks_follow_the_errors_of_the_last_mask() -> None:
    reference = np.zeros((20, 33), bool)
    reference[3:15, 4:25] = True
    seen: list[list[Click]] = []

    def segment(clicks: list[Click]) -> np.ndarray:
        seen.append(list(clicks))
        found = reference.copy()
        found[:, : 12 - 4 * len(clicks)] = False  # finds more with every click
        return found

    values = click_through(segment, reference, 5)
    assert values == sorted(values) and values[-1] == 1
    assert seen[0][0] == Click(9, 8, 1)
    assert len(seen) == 2 and seen[1][1].x < 8  # perfect after two clicks: no more


def test_means_over_masks_and_over_sources() -> None:
    curves = [Curve("a", (0.2,) * 9, 0.5)] * 3 + [Curve("b", (0.6,) * 9, 0.7)]
    scores = summarise(curves, 2, 0.55)
    assert scores.miou_at[1] == pytest.approx(0.3)
    assert scores.miou_by_source_at[9] == pytest.approx(0.4)
    with pytest.raises(ValueError, match="no reference mask"):
        summarise([], 0, None)


def test_a_network_and_grabcut_are_scored_on_the_same_masks(tmp_path: Path) -> None:
    records = read_coco_folder(write_coco_folder(tmp_path / "set"), "dev")
    done: list[int] = []
    scores = evaluate_model(Predictor(random_sam(CONFIGS["tiny_maps"])), records, done.append)
    assert scores.num_masks == 2 and done == [1]
    assert scores.oracle_miou_at_1 is not None
    assert scores.oracle_miou_at_1 >= scores.miou_at[1]
    assert evaluate_grabcut(records).miou_at[9] > 0.8  # two flat colours are easy


def test_the_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=2)
    weights = tmp_path / "w.safetensors"
    save_file(random_sam(CONFIGS["tiny"]).state_dict(), str(weights))
    weights.with_suffix(".json").write_text(json.dumps(config_to_json(CONFIGS["tiny"])))
    main(["--weights", str(weights), "--data", str(folder)])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["model"]["miou_at"]) == {"1", "2", "3", "5", "9"}
