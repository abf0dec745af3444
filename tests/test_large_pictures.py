"""The COCO folder of large photographs: the same outlines on two sizes, on the right photographs only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.large_pictures.__main__ import write_folder
from model_server.training.dataset import decode_mask, read_coco_folder
from tests.pictures import png

TRIANGLE = [[6.0, 9.0], [54.0, 9.0], [6.0, 39.0]]


def outlined(content: bytes) -> list[dict[str, Any]]:
    digest = hashlib.sha256(content).hexdigest()
    thing = {"thing": "triangle", "outline": TRIANGLE}
    return [{"file": "hill.png", "sha256": digest, "objects": [thing]}]


def test_each_photograph_comes_in_two_sizes_with_the_same_outlines(tmp_path: Path) -> None:
    content = png(width=120, height=80)
    (tmp_path / "hill.png").write_bytes(content)
    write_folder(outlined(content), tmp_path, tmp_path / "out", small_side=60)

    large, small = read_coco_folder(tmp_path / "out", "dev")
    assert (large.source, large.width, large.height) == ("120 px", 120, 80)
    assert (small.source, small.width, small.height) == ("60 px", 60, 40)
    assert large.path.read_bytes() == content
    whole, half = decode_mask(large.rles[0]), decode_mask(small.rles[0])
    assert whole.shape == (80, 120) and half.shape == (40, 60)
    assert whole.sum() == pytest.approx(48 * 30 / 2, rel=0.1)
    assert np.mean(whole[::2, ::2] == half) > 0.98


def test_another_photograph_of_the_same_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hill.png").write_bytes(png(seed=1))
    with pytest.raises(ValueError, match=r"drawn on another hill\.png"):
        write_folder(outlined(png()), tmp_path, tmp_path / "out", small_side=60)
