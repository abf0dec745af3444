"""A comparison job: fetch two bundles, score both on the held-out masks, replay what annotators did on both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.messages import CompareRequest
from common.snapshots import read_snapshot
from model_server.worker.children import ChildFailed
from model_server.worker.coco_folder import write_coco_folder
from model_server.worker.job_run import JobFailed, JobRun


@dataclass
class Comparing:
    """The steps of a comparison."""

    request: CompareRequest
    job: JobRun

    def whole(self) -> dict[str, Any]:
        """The comparison; that of an earlier attempt when it came so far."""
        for token in self.job.tokens:
            try:
                return {"comparison": self.job.read_comparison(token)}
            except FileNotFoundError:
                continue
        self.steps()
        return {"comparison": self.job.read_comparison(self.job.token)}

    def steps(self) -> None:
        job, request = self.job, self.request
        job.report(0.0, "Fetching pictures and masks")
        sets = {
            project: list(read_snapshot(job.storage.read_bytes(key)))
            for project, key in request.held_out.items()
        }
        write_coco_folder(sets, storage=job.storage, folder=job.folder / "coco")
        base = job.fetch_weights(request.base_bundle_fingerprint, "base")
        candidate = job.fetch_weights(request.candidate_bundle_fingerprint, "candidate")
        if sets:
            self.score(base, request.base_name, low=0.05, high=0.35)
            self.score(candidate, request.candidate_name, low=0.35, high=0.65)
        job.compare(
            base,
            candidate,
            job.replay_options(request.cases_key, request.pace),
            look=lambda: job.counted(0.65, 0.98, "Replaying what annotators did"),
        )

    def score(self, weights: Path, name: str, *, low: float, high: float) -> None:
        """Scores one version; an error says which."""
        try:
            self.job.score(
                weights,
                most_images=self.request.most_images,
                look=lambda: self.job.counted(low, high, f"Scoring {name}"),
            )
        except ChildFailed as error:
            if error.was_killed:
                raise
            raise JobFailed(f"{name} cannot be scored by this worker. {error.words}") from error
