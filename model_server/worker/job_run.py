"""What training, comparing and registering share: a folder by job, watched child processes, reports.

The steps run as child processes, so that cancelling is ending a process. The folder is named by the job, so that a
job that was interrupted finds what its last attempt left. Each attempt puts its results where no other one does, and
says in storage that it has begun: an earlier attempt that still lives stops then.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.manifest import CONFIG_NAME, MANIFEST_NAME, WEIGHTS_NAME, BadManifest, Manifest
from common.messages import attempt_prefix, bundle_prefix, cancel_key, picture_key
from common.replay_cases import COMPARISON_NAME, read_cases
from model_server.worker.children import WATCH_S, ChildFailed, run_module
from model_server.worker.coco_folder import fetch_picture
from model_server.worker.model_cache import ModelCache
from model_server.worker.reports import Reporter
from storage import Storage

REPORT_S = 3.0
LOCK_NAME = ".lock"
FOLDER_PATIENCE_S = 120.0  # for an earlier attempt on this machine to stop
FOLDER_KEPT_S = 7 * 24 * 3600.0  # of a job that nobody goes on with
COUNTED = re.compile(rb"(\d+) of (\d+) ")
Look = Callable[[], tuple[float, str]]  # the share that is done, and what is being done


class Cancelled(Exception):
    """Somebody asked for the end of the job."""


class Superseded(Exception):
    """A later attempt at the job has begun: this one is of no use any more."""


class FolderHeld(RuntimeError):
    """An earlier attempt on this machine does not let go of the job's folder."""


class JobFailed(RuntimeError):
    """One of the steps ended with an error that another attempt would meet again."""


@dataclass
class JobRun:
    """One attempt at a long job of a model worker; a kind of job adds its steps as `whole`."""

    job_id: str
    token: int
    out_prefix: str
    storage: Storage
    cache: ModelCache
    reporter: Reporter
    threads: int
    checkpoint_s: int
    mark: bytes = b""  # of this attempt, in storage
    reported_at: float = field(default_factory=time.monotonic)
    step_began_at: int = 0  # in bytes of the log

    @property
    def folder(self) -> Path:
        return self.cache.folder / "jobs" / self.job_id

    def run(self, whole: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of `whole`; raises `Cancelled`, `Superseded`, `JobFailed`, and what fetching files raises.

        `ChildFailed` is raised for a step that was killed. All but `Cancelled` and `JobFailed` keep the folder for
        the next attempt.
        """
        self.begin()
        with held(self.folder, lambda: self.watch(lambda: (0.0, "Waiting for an earlier attempt"))):
            remove_old_folders(self.folder.parent)
            try:
                result = whole()
            except ChildFailed as error:
                if error.was_killed:
                    raise
                self.end()
                raise JobFailed(str(error)) from error
            except (Cancelled, JobFailed):
                self.end()
                raise
            self.end()
            return result

    def begin(self) -> None:
        """Tells other attempts that this one has begun; raises `Superseded` when a later one has.

        A message may come twice, and a worker may die before anybody hears of it: of two with one token the one
        that began last goes on.
        """
        if self.latest_token() > self.token:
            raise Superseded
        self.mark = f"{self.token} {uuid.uuid4()}".encode()
        self.storage.put_bytes(self.mark_key, self.mark)

    def latest_token(self) -> int:
        """That of the attempt that began last; 0 before the first one."""
        try:
            return int(self.storage.read_bytes(self.mark_key).split()[0])
        except FileNotFoundError:
            return 0

    @property
    def mark_key(self) -> str:
        return f"{self.out_prefix}/attempt"

    @property
    def tokens(self) -> range:
        """Of the attempts up to this one, the latest first."""
        return range(self.token, 0, -1)

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    # ---- steps ---------------------------------------------------------------------------------

    def step(
        self, module: str, arguments: list[str], *, look: Look, output: Path | None = None
    ) -> None:
        """Runs a module to its end, reporting what `look` says; raises `ChildFailed`."""
        self.step_began_at = self.log.stat().st_size if self.log.exists() else 0
        self.watch(look)
        run_module(
            module,
            arguments,
            log=self.log,
            output=output,
            watch=lambda: self.watch(look),
        )

    def fetch_weights(self, bundle_fingerprint: str, name: str) -> Path:
        """The weights of a bundle in a folder of that name, with their configuration beside them."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for part, local in ((WEIGHTS_NAME, "weights.safetensors"), (CONFIG_NAME, "weights.json")):
            shutil.copyfile(self.cache.file(bundle_fingerprint, part), folder / local)
        return folder / "weights.safetensors"

    def score(self, weights: Path, *, most_images: int, look: Look) -> dict[str, Any]:
        """Mean IoU after clicks on the held-out masks of the folder `coco`; every click goes to `scores_file`."""
        output = self.folder / "scores.json"
        self.step(
            "model_server.training.evaluate",
            [
                *("--weights", str(weights), "--data", str(self.folder / "coco")),
                *("--split", "held_out", "--images", str(most_images)),
                *("--threads", str(self.threads), "--protocols", "centre"),
                *("--json", str(scores_file(weights))),
            ],
            look=look,
            output=output,
        )
        scores: dict[str, Any] = json.loads(output.read_text())["model"]
        return scores

    def compare(self, base: Path, candidate: Path, options: list[str], *, look: Look) -> None:
        """Puts two weights beside each other; pictures and numbers go to storage, the numbers last."""
        out = self.folder / "comparison"
        self.step(
            "model_server.training.compare",
            [
                *("--current", str(base), "--candidate", str(candidate), "--out", str(out)),
                *("--threads", str(self.threads), *scored_options(base, candidate), *options),
            ],
            look=look,
        )
        for path in out.glob("*.jpg"):
            self.storage.put_file(picture_key(path.stem), path)
        self.storage.put_file(self.comparison_key(self.token), out / COMPARISON_NAME)

    def replay_options(self, cases_key: str, pace: Mapping[str, Any]) -> list[str]:
        """Fetches the recorded interactions ("" for none) and their pictures."""
        if not cases_key:
            return []
        content = self.storage.read_bytes(cases_key)
        file, pictures = self.folder / "cases.jsonl", self.folder / "coco" / "images"
        file.write_bytes(content)
        for case in read_cases(content):
            fetch_picture(case, storage=self.storage, folder=pictures)
        words = ["--cases", str(file), "--pictures", str(pictures)]
        for name in ("seconds_per_click", "seconds_per_painted_px"):
            if pace[name] is not None:
                words += [f"--{name.replace('_', '-')}", str(float(pace[name]))]
        return words

    def comparison_key(self, token: int) -> str:
        return f"{attempt_prefix(self.out_prefix, token)}/{COMPARISON_NAME}"

    def read_comparison(self, token: int) -> dict[str, Any]:
        """What an attempt put into storage; raises `FileNotFoundError` before."""
        found: dict[str, Any] = json.loads(self.storage.read_bytes(self.comparison_key(token)))
        return found

    def make_bundle(
        self, weights: Path, facts: dict[str, Any], options: list[str], *, look: Look
    ) -> None:
        """Exports and verifies the graphs, and puts the bundle into storage, the manifest last."""
        (self.folder / "facts.json").write_text(json.dumps(facts))
        out = self.folder / "bundle"
        self.step(
            "model_server.worker.make_bundle",
            [
                *("--weights", str(weights), "--config", str(weights.with_suffix(".json"))),
                *("--out", str(out), "--facts", str(self.folder / "facts.json"), *options),
            ],
            look=look,
        )
        for path in sorted(out.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
            self.watch(look)  # a file may be gigabytes
            self.storage.put_file(f"{self.bundle_prefix(self.token)}/{path.name}", path)

    def bundle_prefix(self, token: int) -> str:
        return bundle_prefix(self.out_prefix, token)

    def whole_bundle(self, steps: Callable[[], None]) -> tuple[int, Manifest]:
        """A bundle that an attempt completed, else the one that `steps` makes: whose it is, and its manifest."""
        for token in self.tokens:
            try:
                return token, self.read_bundle(token)
            except (FileNotFoundError, BadManifest):
                continue
        steps()
        return self.token, self.read_bundle(self.token)

    def read_bundle(self, token: int) -> Manifest:
        """The manifest of an attempt's bundle, which is written last, each file checked against it.

        Raises `FileNotFoundError`, and `BadManifest` when something is damaged.
        """
        prefix = self.bundle_prefix(token)
        manifest = Manifest.from_json(self.storage.read_bytes(f"{prefix}/{MANIFEST_NAME}"))
        for name, entry in manifest.files.items():
            if self.storage.sha256(f"{prefix}/{name}") != entry.sha256:
                raise BadManifest(f"{name} does not match the manifest")
        return manifest

    # ---- reports -------------------------------------------------------------------------------

    def watch(self, look: Look) -> None:
        """Stops a cancelled job, or an attempt that was overtaken, at once; reports now and then."""
        if self.storage.exists(cancel_key(self.job_id)):
            raise Cancelled
        if self.storage.read_bytes(self.mark_key) != self.mark:
            raise Superseded
        if time.monotonic() - self.reported_at >= REPORT_S:
            self.report(*look())
            self.publish_logs()

    def counted(self, low: float, high: float, title: str) -> tuple[float, str]:
        """A share of the job from `low` to `high` by the last "3 of 20 …" that the step has printed."""
        with self.log.open("rb") as log:
            log.seek(self.step_began_at)
            found = COUNTED.findall(log.read())
        if not found:
            return low, title
        done, total = (int(number) for number in found[-1])
        return low + (high - low) * done / max(total, 1), f"{title}: {done} of {total}"

    def report(self, share: float, message: str) -> None:
        self.reported_at = time.monotonic()
        self.reporter.send("running", progress=share, message=message)

    def end(self) -> None:
        """The logs stay in storage; the folder goes."""
        self.publish_logs()
        shutil.rmtree(self.folder)

    def publish_logs(self) -> None:
        """Copies the logs to storage, where the web side reads them."""
        for path in (self.log, self.folder / "out" / "log.jsonl"):
            if path.exists():
                self.storage.put_file(f"{self.out_prefix}/{path.name}", path)


def scores_file(weights: Path) -> Path:
    """Where every mask and click of an evaluation of these weights is kept."""
    return weights.with_name("scores_by_mask.json")


def scored_options(base: Path, candidate: Path) -> list[str]:
    """The options of `compare` that name the scores of both; none where one was not scored."""
    files = [scores_file(base), scores_file(candidate)]
    if not all(file.exists() for file in files):
        return []
    names = ("--current-scores", "--candidate-scores")
    return [word for pair in zip(names, map(str, files), strict=True) for word in pair]


@contextmanager
def held(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Only one process works in the folder of a job; `wait` is called every second while another one does.

    Raises `FolderHeld` when that takes too long.
    """
    end = time.monotonic() + FOLDER_PATIENCE_S
    while (descriptor := lock(folder)) is None:
        if time.monotonic() > end:
            raise FolderHeld("An earlier attempt on this machine hangs: restart its worker.")
        wait()
        time.sleep(WATCH_S)
    try:
        yield
    finally:
        os.close(descriptor)


def lock(folder: Path) -> int | None:
    """A descriptor that holds the folder until it is closed; None when another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have removed the folder meanwhile.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            os.utime(descriptor)
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def remove_old_folders(jobs: Path) -> None:
    """Removes what a job left here that ended elsewhere or was given up, long after its last attempt here."""
    for path in jobs.glob(f"*/{LOCK_NAME}"):
        if time.time() - path.stat().st_mtime > FOLDER_KEPT_S:
            descriptor = lock(path.parent)
            if descriptor is not None:
                shutil.rmtree(path.parent)
                os.close(descriptor)
