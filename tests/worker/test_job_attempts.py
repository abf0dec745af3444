"""Several attempts at one long job: they never mix, the last one goes on, and killed work is taken up again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from common.manifest import MANIFEST_NAME, Manifest
from common.messages import attempt_prefix, bundle_prefix
from common.replay_cases import COMPARISON_NAME
from model_server.worker import job_run
from model_server.worker.children import ChildFailed, run_module
from model_server.worker.job_run import FolderHeld, JobFailed, JobRun, Superseded
from model_server.worker.model_cache import ModelCache
from model_server.worker.training import training_progress
from storage import Storage, open_storage

OUT = "jobs/0f"
Steps = Callable[[JobRun], object]
Attempt = Callable[..., tuple[int, dict[str, Any]]]


@dataclass
class Told:
    """A reporter that keeps what it is told."""

    messages: list[str] = field(default_factory=list)

    def send(self, state: str, *, progress: float = 0.0, message: str = "") -> None:
        self.messages.append(message)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage((tmp_path / "storage").as_uri())


@pytest.fixture
def attempt(storage: Storage, tmp_path: Path) -> Attempt:
    """`attempt(2)`: the second attempt at the one job, on another machine when told so.

    Tells whose bundle it reports, and the comparison beside it; `steps` stand for all that makes them.
    """

    def run(
        token: int,
        *,
        steps: Steps = unexpected,
        machine: str = "here",
        told: Told | None = None,
    ) -> tuple[int, dict[str, Any]]:
        job = JobRun(
            job_id="0f",
            token=token,
            out_prefix=OUT,
            storage=storage,
            cache=ModelCache(storage=storage, folder=tmp_path / machine),
            reporter=told or Told(),  # type: ignore[arg-type]
            threads=1,
            checkpoint_s=30,
        )

        def whole() -> dict[str, Any]:
            found, _ = job.whole_bundle(lambda: steps(job) and None)
            return {"token": found, "comparison": job.read_comparison(found)}

        result = job.run(whole)
        return result["token"], result["comparison"]

    return run


def unexpected(job: JobRun) -> None:
    raise AssertionError("nothing is left to be done")


def finish(storage: Storage, bundle: Path, token: int) -> Manifest:
    """What a whole attempt leaves in storage."""
    for path in bundle.iterdir():
        storage.put_file(f"{bundle_prefix(OUT, token)}/{path.name}", path)
    key = f"{attempt_prefix(OUT, token)}/{COMPARISON_NAME}"
    storage.put_bytes(key, b'{"attempt": %d}' % token)
    return Manifest.from_json((bundle / MANIFEST_NAME).read_bytes())


def look() -> tuple[float, str]:
    return 0.5, "at work"


def test_an_attempt_that_a_later_one_overtook_stops(attempt: Attempt, storage: Storage) -> None:
    looked = []

    def overtaken(job: JobRun) -> None:
        job.watch(look)
        looked.append("alone")
        storage.put_bytes(f"{OUT}/attempt", b"2 elsewhere")
        job.watch(look)
        looked.append("overtaken")

    with pytest.raises(Superseded):
        attempt(1, steps=overtaken)
    assert looked == ["alone"]


def test_a_message_that_comes_late_does_not_stop_a_later_attempt(
    attempt: Attempt, storage: Storage
) -> None:
    storage.put_bytes(f"{OUT}/attempt", b"2 elsewhere")
    with pytest.raises(Superseded):
        attempt(1)
    assert storage.read_bytes(f"{OUT}/attempt") == b"2 elsewhere"


def test_of_two_with_one_token_the_one_that_began_last_goes_on(
    attempt: Attempt, storage: Storage, tiny_bundle: Path
) -> None:
    def meanwhile(job: JobRun) -> None:
        attempt(1, steps=lambda other: finish(storage, tiny_bundle, 1), machine="elsewhere")
        job.watch(look)

    with pytest.raises(Superseded):
        attempt(1, steps=meanwhile)


def test_what_an_earlier_attempt_finished_is_reported_and_nothing_done_again(
    attempt: Attempt, storage: Storage, tiny_bundle: Path
) -> None:
    finish(storage, tiny_bundle, 1)
    assert attempt(3) == (1, {"attempt": 1})


@pytest.mark.parametrize("damage", ["a file", "the manifest", "no manifest"])
def test_what_was_damaged_meanwhile_is_made_again(
    attempt: Attempt, storage: Storage, tiny_bundle: Path, damage: str
) -> None:
    finish(storage, tiny_bundle, 1)
    prefix = bundle_prefix(OUT, 1)
    if damage == "a file":
        storage.put_bytes(f"{prefix}/decode.onnx", b"rotten")
    elif damage == "the manifest":
        storage.put_bytes(f"{prefix}/{MANIFEST_NAME}", b"{")
    else:
        storage.delete(f"{prefix}/{MANIFEST_NAME}")
    made = attempt(2, steps=lambda job: finish(storage, tiny_bundle, job.token))
    assert made == (2, {"attempt": 2})


@pytest.mark.parametrize(("was_killed", "raised"), [(True, ChildFailed), (False, JobFailed)])
def test_only_a_killed_step_leaves_its_folder_to_the_next_attempt(
    attempt: Attempt, tmp_path: Path, was_killed: bool, raised: type[Exception]
) -> None:
    def fail(job: JobRun) -> None:
        (job.folder / "out").mkdir()
        raise ChildFailed("train ended", words="out of memory", was_killed=was_killed)

    with pytest.raises(raised):
        attempt(1, steps=fail)
    assert (tmp_path / "here" / "jobs" / "0f" / "out").exists() is was_killed


@pytest.mark.parametrize(
    ("statement", "was_killed"), [("os.kill(os.getpid(), 9)", True), ("1/0", False)]
)
def test_a_child_that_was_killed_is_told_from_one_that_failed(
    tmp_path: Path, statement: str, was_killed: bool
) -> None:
    with pytest.raises(ChildFailed) as failure:
        run_module("timeit", ["-n1", "-r1", "-s", "import os", statement], log=tmp_path / "log")
    assert failure.value.was_killed is was_killed
    assert ("memory runs out" in str(failure.value)) is was_killed


def test_an_attempt_waits_until_the_one_before_let_go_of_the_folder(
    attempt: Attempt,
    storage: Storage,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_run, "WATCH_S", 0.0)
    monkeypatch.setattr(job_run, "REPORT_S", 0.0)
    folder = tmp_path / "here" / "jobs" / "0f"
    held = job_run.lock(folder)
    assert held is not None and job_run.lock(folder) is None
    told = Told()

    def let_go(state: str, *, progress: float = 0.0, message: str = "") -> None:
        """The earlier attempt ends: its bundle is whole, its folder is gone."""
        if not told.messages:
            finish(storage, tiny_bundle, 1)
            shutil.rmtree(folder)
            os.close(held)
        told.messages.append(message)

    monkeypatch.setattr(told, "send", let_go)
    assert attempt(2, told=told) == (1, {"attempt": 1})
    assert told.messages == ["Waiting for an earlier attempt"]
    assert not folder.exists()


def test_an_attempt_that_hangs_in_the_folder_is_named(
    attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_run, "FOLDER_PATIENCE_S", 0.0)
    held = job_run.lock(tmp_path / "here" / "jobs" / "0f")
    assert held is not None
    with pytest.raises(FolderHeld, match="restart its worker"):
        attempt(2)
    os.close(held)


def test_folders_that_nobody_goes_on_with_are_removed_after_a_week(tmp_path: Path) -> None:
    ages = {"old": 8, "young": 6, "held": 8}
    held = None
    for name, days in ages.items():
        descriptor = job_run.lock(tmp_path / name)
        assert descriptor is not None
        if name == "held":
            held = descriptor
        else:
            os.close(descriptor)
        then = time.time() - days * 24 * 3600
        os.utime(tmp_path / name / job_run.LOCK_NAME, (then, then))
    job_run.remove_old_folders(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"young", "held"}
    assert held is not None
    os.close(held)


def test_progress_is_told_from_the_last_whole_line_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert training_progress(log) == (0.1, "Training starts")
    log.write_text('{"step": 5')
    assert training_progress(log) == (0.1, "Training starts")
    log.write_text('{"step": 5, "share": 0.5, "loss_1": 2.5}\n{"step": 10, "sha')
    assert training_progress(log) == (pytest.approx(0.45), "Training, step 5: loss_1 2.5")
