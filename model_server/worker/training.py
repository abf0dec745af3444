"""A training job: fetch, score, fine-tune, score again, compare, make the bundle, put it into storage.

The steps run as child processes, so that cancelling is ending a process, and in a folder named by the
job, so that a job that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.manifest import MANIFEST_NAME, Manifest
from common.messages import TrainRequest, cancel_key, picture_key
from common.replay_cases import COMPARISON_NAME, read_cases
from common.snapshots import SnapshotMask, read_snapshot
from model_server.worker.children import ChildFailed, run_module
from model_server.worker.coco_folder import fetch_picture, write_coco_folder
from model_server.worker.model_cache import ModelCache
from model_server.worker.reports import Reporter
from storage import Storage

REPORT_S = 3.0
SCALES = ("0.8", "1.6")  # jitter of the longest side: less than when training from nothing


class Cancelled(Exception):
    """Somebody asked for the end of the job."""


class TrainingFailed(RuntimeError):
    """Training or one of the steps around it ended with an error."""


def run_training(
    request: TrainRequest,
    *,
    storage: Storage,
    cache: ModelCache,
    reporter: Reporter,
    threads: int,
) -> dict[str, Any]:
    """Returns the prefix and fingerprint of the new bundle, its scores, and how it compares with the base.

    Raises `Cancelled`, `TrainingFailed`, and what fetching files raises.
    """
    folder = cache.folder / "jobs" / request.job_id
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        run = _Run(
            request=request,
            storage=storage,
            cache=cache,
            reporter=reporter,
            folder=folder,
            threads=threads,
        )
        try:
            result = run.whole()
        except ChildFailed as error:
            run.end()
            raise TrainingFailed(str(error)) from error
        except Cancelled:
            run.end()
            raise
        run.end()
        return result


@dataclass
class _Run:
    request: TrainRequest
    storage: Storage
    cache: ModelCache
    reporter: Reporter
    folder: Path
    threads: int
    reported_at: float = field(default_factory=time.monotonic)

    def whole(self) -> dict[str, Any]:
        manifest = self.finished_before() or self.steps()
        return {
            "bundle_prefix": self.bundle_prefix,
            "bundle_fingerprint": manifest.bundle_fingerprint,
            "scores": dict(manifest.scores),
            "comparison": self.read_comparison(),
        }

    def steps(self) -> Manifest:
        masks = list(read_snapshot(self.storage.read_bytes(self.request.snapshot_key)))
        self.report(0.0, f"Fetching the pictures of {len(masks)} masks")
        write_coco_folder(masks, storage=self.storage, folder=self.folder / "coco")
        base = self.fetch_base()
        before = self.score(base, masks, share=0.02, title="Scoring the current model")
        trained = self.train(base)
        after = self.score(trained, masks, share=0.8, title="Scoring the new model")
        self.compare(base, trained)
        scores = {"held_out": {"before": before, "after": after}} if after else {}
        return self.make_bundle(base, trained, scores)

    def fetch_base(self) -> Path:
        """The weights of the base bundle with their configuration beside them."""
        folder = self.folder / "base"
        folder.mkdir(exist_ok=True)
        for name, local in (
            ("weights.safetensors", "weights.safetensors"),
            ("config.json", "weights.json"),
        ):
            path = self.cache.file(self.request.base_bundle_fingerprint, name)
            shutil.copyfile(path, folder / local)
        return folder / "weights.safetensors"

    def train(self, base: Path) -> Path:
        out = self.folder / "out"
        run_module(
            "model_server.training.train",
            [*self.train_arguments(base, out), "--resume"],
            log=self.folder / "log.txt",
            watch=lambda: self.watch(lambda: _training_progress(out / "log.jsonl")),
        )
        return out / "weights.safetensors"

    def train_arguments(self, base: Path, out: Path) -> list[str]:
        settings = self.request.settings
        config = json.loads(base.with_suffix(".json").read_text())
        phase = ("images_per_batch", "masks_per_image", "rounds")
        numbers = [str(config["input_size"]), *(str(int(settings[name])) for name in phase)]
        options = {
            "--data": str(self.folder / "coco"),
            "--out": str(out),
            "--init": str(base),
            "--steps": str(int(settings["steps"])),
            "--minutes": str(float(settings["minutes"])),
            "--learning-rate": str(float(settings["learning_rate"])),
            "--seed": str(int(settings["seed"])),
            "--warm-up-steps": str(max(1, int(settings["steps"]) // 10)),
            "--phase": ",".join(["1.0", *numbers, *SCALES]),
            "--log-steps": "5",
            "--checkpoint-seconds": "30",
            "--threads": str(self.threads),
        }
        flat = [word for pair in options.items() for word in pair]
        return flat if settings["train_encoder"] else [*flat, "--freeze-encoder"]

    def score(
        self, weights: Path, masks: list[SnapshotMask], *, share: float, title: str
    ) -> dict[str, Any]:
        """Mean IoU after clicks on the held-out masks; empty when there are none."""
        if not any(mask.split == "held_out" for mask in masks):
            return {}
        output = self.folder / "scores.json"
        limit = str(int(self.request.settings["held_out_images"]))
        run_module(
            "model_server.training.evaluate",
            [
                *("--weights", str(weights), "--data", str(self.folder / "coco")),
                *("--split", "held_out", "--images", limit, "--threads", str(self.threads)),
                *("--protocols", "centre", "--json", str(scores_file(weights))),
            ],
            log=self.folder / "log.txt",
            output=output,
            watch=lambda: self.watch(lambda: (share, title)),
        )
        scores: dict[str, Any] = json.loads(output.read_text())["model"]
        return scores

    def compare(self, base: Path, trained: Path) -> None:
        """Puts beside each other what both scored and what becomes of recorded interactions on both."""
        out = self.folder / "comparison"
        options = [*self.scored_options(base, trained), *self.replay_options()]
        run_module(
            "model_server.training.compare",
            [
                *("--current", str(base), "--candidate", str(trained), "--out", str(out)),
                *("--threads", str(self.threads), *options),
            ],
            log=self.folder / "log.txt",
            watch=lambda: self.watch(lambda: (0.85, "Replaying what annotators did")),
        )
        for path in out.glob("*.jpg"):
            self.storage.put_file(picture_key(path.stem), path)
        self.storage.put_file(self.comparison_key, out / COMPARISON_NAME)

    def scored_options(self, base: Path, trained: Path) -> list[str]:
        files = [scores_file(base), scores_file(trained)]
        if not all(file.exists() for file in files):
            return []
        names = ("--current-scores", "--candidate-scores")
        pairs = zip(names, map(str, files), strict=True)
        return [*(word for pair in pairs for word in pair), "--group", self.request.group]

    def replay_options(self) -> list[str]:
        """Fetches the cases and their pictures."""
        if not self.request.cases_key:
            return []
        content = self.storage.read_bytes(self.request.cases_key)
        file, pictures = self.folder / "cases.jsonl", self.folder / "coco" / "images"
        file.write_bytes(content)
        for case in read_cases(content):
            fetch_picture(case, storage=self.storage, folder=pictures)
        words = ["--cases", str(file), "--pictures", str(pictures)]
        for name in ("seconds_per_click", "seconds_per_painted_px"):
            if self.request.pace[name] is not None:
                words += [f"--{name.replace('_', '-')}", str(float(self.request.pace[name]))]
        return words

    @property
    def comparison_key(self) -> str:
        return f"{self.request.out_prefix}/{COMPARISON_NAME}"

    def read_comparison(self) -> dict[str, Any]:
        """What was put into storage before the bundle."""
        found: dict[str, Any] = json.loads(self.storage.read_bytes(self.comparison_key))
        return found

    def make_bundle(self, base: Path, weights: Path, scores: dict[str, Any]) -> Manifest:
        facts = {"scores": scores, "provenance": self.provenance()}
        (self.folder / "facts.json").write_text(json.dumps(facts))
        out = self.folder / "bundle"
        encoder = [] if self.request.settings["train_encoder"] else ["--encoder-from", str(base)]
        run_module(
            "model_server.worker.make_bundle",
            [
                *("--weights", str(weights), "--config", str(weights.with_suffix(".json"))),
                *("--out", str(out), "--facts", str(self.folder / "facts.json")),
                *encoder,
            ],
            log=self.folder / "log.txt",
            watch=lambda: self.watch(lambda: (0.9, "Making the bundle")),
        )
        for path in sorted(out.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
            self.storage.put_file(f"{self.bundle_prefix}/{path.name}", path)
        return Manifest.from_json((out / MANIFEST_NAME).read_bytes())

    @property
    def bundle_prefix(self) -> str:
        return f"{self.request.out_prefix}/bundle"

    def finished_before(self) -> Manifest | None:
        """The manifest of a bundle that an earlier attempt completed; it is written last."""
        try:
            content = self.storage.read_bytes(f"{self.bundle_prefix}/{MANIFEST_NAME}")
        except FileNotFoundError:
            return None
        return Manifest.from_json(content)

    def provenance(self) -> dict[str, Any]:
        return {
            "base_bundle": self.request.base_bundle_fingerprint,
            "snapshot": self.request.snapshot_key,
            "settings": self.request.settings,
            "job": self.request.job_id,
        }

    def watch(self, look: Callable[[], tuple[float, str]]) -> None:
        """Stops a cancelled job at once; reports now and then."""
        if self.storage.exists(cancel_key(self.request.job_id)):
            raise Cancelled
        if time.monotonic() - self.reported_at >= REPORT_S:
            self.report(*look())
            self.publish_log()

    def report(self, share: float, message: str) -> None:
        self.reported_at = time.monotonic()
        self.reporter.send("running", progress=share, message=message)

    def end(self) -> None:
        """The logs stay in storage; the folder goes. Other errors keep it for the next attempt."""
        self.publish_log()
        shutil.rmtree(self.folder)

    def publish_log(self) -> None:
        """Copies the logs to storage, where the web side reads them."""
        for path in (self.folder / "log.txt", self.folder / "out" / "log.jsonl"):
            if path.exists():
                self.storage.put_file(f"{self.request.out_prefix}/{path.name}", path)


def scores_file(weights: Path) -> Path:
    """Where every mask and click of an evaluation of these weights is kept."""
    return weights.with_name("scores_by_mask.json")


def _training_progress(log: Path) -> tuple[float, str]:
    """Share of the job and a sentence from the last line of the training log."""
    lines = log.read_text().splitlines() if log.exists() else []
    if not lines:
        return 0.1, "Training starts"
    last = json.loads(lines[-1])
    loss = ", ".join(f"{name} {last[name]}" for name in ("loss_1", "iou_1") if name in last)
    return 0.1 + 0.7 * float(last["share"]), f"Training, step {last['step']}: {loss}"


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Only one process works in the folder of a job, even when an older attempt still lives."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
