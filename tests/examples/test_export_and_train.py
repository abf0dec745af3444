"""The example of the documentation, on the live product: a token, an export, a training run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.places import CHECKOUT
from tests.browser.projects import accept_a_mask, new_project, scene
from tests.live_product import LiveProduct
from tests.patience import LONG_S

EXAMPLE = CHECKOUT / "docs" / "examples" / "export_and_train.py"
TINY = [
    "--config",
    "tiny_maps",
    "--steps",
    "2",
    "--phase",
    "1,64,2,1,1,1,1",
    "--threads",
    "1",
    "--loaders",
    "0",
]


def run_example(
    product: LiveProduct, out: Path, project: str, token: str
) -> subprocess.CompletedProcess[str]:
    place = ["--url", product.url, "--project", project, "--out", str(out)]
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *place, "--", *TINY],
        env={**os.environ, "MASKWRIGHT_TOKEN": token, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )


@pytest.fixture(scope="module")
def project(product: LiveProduct) -> str:
    """With two pictures of a mask each; one of them is kept for scoring."""
    made = new_project(product)
    manager, annotator = product.session("manager"), product.session("annotator")
    files = {f"{seed}.png": scene(seed) for seed in (71, 72)}
    added = manager.upload(f"/api/v1/projects/{made}/images", files)
    assert added.status == 201, added.content
    for number in range(2):
        assignment = accept_a_mask(product, made)
        assert annotator.post(f"/api/v1/assignments/{assignment['id']}/submit").status == 200
        if number == 0:
            path = f"/api/v1/images/{assignment['image']['id']}"
            assert manager.request("PATCH", path, {"held_out": True}).status == 200
    return made


def test_it_goes_from_an_export_to_trained_weights(
    product: LiveProduct, project: str, tmp_path: Path
) -> None:
    token = product.manage("create_token", "manager", "example", "--scope", "manage").split()[-1]
    ran = run_example(product, tmp_path, project, token)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 masks in" in ran.stdout and "2 pictures fetched" in ran.stdout
    coco = json.loads((tmp_path / "data" / "annotations.json").read_text())
    assert sorted(image["split"] for image in coco["images"]) == ["held_out", "train"]
    described = json.loads((tmp_path / "run" / "weights.json").read_text())
    assert described["training"]["step"] == 2
    again = run_example(product, tmp_path, project, token)
    assert again.returncode == 0 and "0 pictures fetched" in again.stdout, again.stderr


def test_it_says_what_its_token_lacks(product: LiveProduct, project: str, tmp_path: Path) -> None:
    read_only = product.manage("create_token", "manager", "too little").split()[-1]
    ran = run_example(product, tmp_path, project, read_only)
    assert ran.returncode == 1
    assert "This token lacks the scope 'manage'." in ran.stderr
    assert "Put the token" in run_example(product, tmp_path, project, "").stderr
