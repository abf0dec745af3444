"""Two processes train as one would."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from model_server.training.processes import Processes
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.joint_gradients import gradients

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def torchrun(*arguments: str) -> None:
    subprocess.run([sys.executable, *TORCHRUN, *arguments], check=True, env=ENVIRONMENT)


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    folder = write_coco_folder(tmp_path / "set")
    torchrun("-m", "tests.model_server.joint_gradients", str(folder), str(tmp_path))
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    alone = gradients(folder, Processes(torch.device("cpu")))
    assert first["gradients"].keys() == alone.keys()
    for name, expected in alone.items():
        assert torch.equal(first["gradients"][name], second["gradients"][name]), name
        torch.testing.assert_close(first["gradients"][name], expected, rtol=1e-3, atol=1e-5)
    assert max(float(g.abs().max()) for g in alone.values()) > 0.01
    (mine, joint), (theirs, same) = first["mean"], second["mean"]
    assert not torch.equal(mine, theirs)
    torch.testing.assert_close(joint, (mine + theirs) / 2)
    assert torch.equal(joint, same)
    assert first["agreed"] == second["agreed"] == (1.0, 0.0)


def test_torchrun_trains_and_one_process_writes(tmp_path: Path) -> None:
    folder, out = write_coco_folder(tmp_path / "set"), tmp_path / "out"
    arguments = ["--data", str(folder), "--out", str(out), "--config", "tiny_maps"]
    arguments += ["--steps", "4", "--phase", "1,64,2,2,2,0.6,2.2", "--loaders", "0"]
    arguments += ["--threads", "1", "--log-steps", "2", "--device", "cpu"]
    torchrun("-m", "tests.model_server.joint_training", *arguments)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert lines[0]["masks_per_s"] > lines[0]["images_per_s"] > 0
    assert lines[0]["time"]["processes"] > 0
    saved = torch.load(out / "checkpoint.pt", weights_only=True)
    assert saved["progress"]["step"] == 4
