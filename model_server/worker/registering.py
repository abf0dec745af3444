"""A registration: read a published checkpoint, export and verify its graphs, put the bundle into storage."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.messages import RegisterRequest
from model_server.worker.children import ChildFailed
from model_server.worker.job_run import JobFailed, JobRun


@dataclass
class Registering:
    """The steps of a registration; `folder` holds the checkpoints of this machine, None when it was not told."""

    request: RegisterRequest
    job: JobRun
    folder: Path | None

    def whole(self) -> dict[str, Any]:
        """The prefix and fingerprint of the new bundle."""
        token, manifest = self.job.whole_bundle(self.steps)
        return {
            "bundle_prefix": self.job.bundle_prefix(token),
            "bundle_fingerprint": manifest.bundle_fingerprint,
        }

    def steps(self) -> None:
        job, architecture = self.job, self.request.architecture
        out = job.folder / "weights"
        try:
            job.step(
                "model_server.sam.convert",
                [str(self.checkpoint()), "--config", architecture, "--out", str(out)],
                look=lambda: (0.05, "Reading the checkpoint"),
            )
        except ChildFailed as error:
            if error.was_killed:
                raise
            raise JobFailed(error.words) from error
        weights = out / f"{architecture}.safetensors"
        told = json.loads(weights.with_suffix(".json").read_text())["provenance"]
        job.make_bundle(
            weights,
            {"scores": {}, "provenance": {**told, "job": self.request.job_id}},
            [],
            look=lambda: (0.3, "Exporting the graphs and comparing them with torch"),
        )

    def checkpoint(self) -> Path:
        """The file, which lies in the folder itself; raises `JobFailed` when this worker does not have it."""
        name = self.request.checkpoint
        if self.folder is None:
            raise JobFailed("MASKWRIGHT_CHECKPOINTS is not set for the worker of the train queue.")
        path = self.folder / name
        if Path(name).name != name or not path.is_file():
            raise JobFailed(f"The worker of the train queue finds no {name} in {self.folder}.")
        return path
