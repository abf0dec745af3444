"""A training job: fetch, score, fine-tune, score again, compare, make the bundle, put it into storage.

A job that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.json_lines import read_whole_lines
from common.messages import TrainRequest
from common.snapshots import SnapshotMask, read_snapshot
from model_server.worker.coco_folder import write_coco_folder
from model_server.worker.job_run import JobRun

SCALES = ("0.8", "1.6")  # jitter of the longest side: less than when training from nothing
START_WORTH = 20  # masks: the weights it begins with count as many (docs/decisions/small-rounds.md)


@dataclass
class Training:
    """The steps of a round."""

    request: TrainRequest
    job: JobRun

    def whole(self) -> dict[str, Any]:
        """The prefix and fingerprint of the new bundle, its scores, and how it compares with the base."""
        token, manifest = self.job.whole_bundle(self.steps)
        return {
            "bundle_prefix": self.job.bundle_prefix(token),
            "bundle_fingerprint": manifest.bundle_fingerprint,
            "scores": dict(manifest.scores),
            "comparison": self.job.read_comparison(token),
        }

    def steps(self) -> None:
        job, request = self.job, self.request
        masks = list(read_snapshot(job.storage.read_bytes(request.snapshot_key)))
        job.report(0.0, f"Fetching the pictures of {len(masks)} masks")
        write_coco_folder({"": masks}, storage=job.storage, folder=job.folder / "coco")
        base = job.fetch_weights(request.base_bundle_fingerprint, "base")
        is_other = request.start_bundle_fingerprint != request.base_bundle_fingerprint
        start = job.fetch_weights(request.start_bundle_fingerprint, "start") if is_other else base
        before = self.score(base, masks, share=0.02, title="Scoring the current model")
        kept = start_share(sum(mask.split == "train" for mask in masks))
        trained = self.train(start, kept)
        after = self.score(trained, masks, share=0.8, title="Scoring the new model")
        job.compare(
            base,
            trained,
            ["--group", request.group, *job.replay_options(request.cases_key, request.pace)],
            look=lambda: (0.85, "Replaying what annotators did"),
        )
        scores = {"held_out": {"before": before, "after": after}} if after else {}
        keep_encoder = [] if request.settings["train_encoder"] else ["--encoder-from", str(start)]
        job.make_bundle(
            trained,
            {"scores": scores, "provenance": self.provenance(kept)},
            keep_encoder,
            look=lambda: (0.9, "Making the bundle"),
        )

    def train(self, start: Path, kept: float) -> Path:
        out = self.job.folder / "out"
        self.job.step(
            "model_server.training.train",
            [*self.train_arguments(start, out, kept), "--resume"],
            look=lambda: training_progress(out / "log.jsonl"),
        )
        return out / "weights.safetensors"

    def train_arguments(self, start: Path, out: Path, kept: float) -> list[str]:
        settings = self.request.settings
        config = json.loads(start.with_suffix(".json").read_text())
        phase = ("images_per_batch", "masks_per_image", "rounds")
        numbers = [str(config["input_size"]), *(str(int(settings[name])) for name in phase)]
        options = {
            "--data": str(self.job.folder / "coco"),
            "--out": str(out),
            "--init": str(start),
            "--steps": str(int(settings["steps"])),
            "--minutes": str(float(settings["minutes"])),
            "--learning-rate": str(float(settings["learning_rate"])),
            "--seed": str(int(settings["seed"])),
            "--start-share": str(kept),
            "--warm-up-steps": str(max(1, int(settings["steps"]) // 10)),
            "--phase": ",".join(["1.0", *numbers, *SCALES]),
            "--log-steps": "5",
            "--checkpoint-seconds": str(self.job.checkpoint_s),
            "--threads": str(self.job.threads),
        }
        flat = [word for pair in options.items() for word in pair]
        return flat if settings["train_encoder"] else [*flat, "--freeze-encoder"]

    def score(
        self, weights: Path, masks: list[SnapshotMask], *, share: float, title: str
    ) -> dict[str, Any]:
        """Mean IoU after clicks on the held-out masks; empty when there are none."""
        if not any(mask.split == "held_out" for mask in masks):
            return {}
        most_images = int(self.request.settings["held_out_images"])
        return self.job.score(weights, most_images=most_images, look=lambda: (share, title))

    def provenance(self, kept: float) -> dict[str, Any]:
        return {
            "base_bundle": self.request.base_bundle_fingerprint,
            "start_bundle": self.request.start_bundle_fingerprint,
            "snapshot": self.request.snapshot_key,
            "settings": self.request.settings,
            "start_share": kept,
            "job": self.request.job_id,
        }


def start_share(num_masks: int) -> float:
    """Of the weights it begins with in the candidate's: the less, the more masks it learned from."""
    return round(START_WORTH / (START_WORTH + num_masks), 3)


def training_progress(log: Path) -> tuple[float, str]:
    """Share of the job and a sentence from the last line of the training log."""
    entries = read_whole_lines(log.read_bytes()) if log.exists() else []
    if not entries:
        return 0.1, "Training starts"
    last = entries[-1]
    loss = ", ".join(f"{name} {last[name]}" for name in ("loss_1", "iou_1") if name in last)
    return 0.1 + 0.7 * float(last["share"]), f"Training, step {last['step']}: {loss}"
