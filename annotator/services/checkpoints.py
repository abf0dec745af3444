"""Published checkpoints: files in a folder of the server that become model versions.

A model worker converts, exports and verifies them; what comes back is registered and compared with the version in use.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from annotator.errors import Conflict, Invalid
from annotator.models import Job, JobKind, ModelVersion, Person
from annotator.queries.model_versions import current_model_version
from annotator.services.audit import record_act
from annotator.services.bundles import register_prefix
from annotator.services.comparisons import start_comparison
from annotator.services.jobs import WantedJob, create_job, out_prefix, reported_bundle
from annotator.services.stores import file_storage
from common.architectures import ARCHITECTURES, guess_architecture

SUFFIXES = (".pth", ".pt")
log = structlog.get_logger("maskwright.checkpoints")


@dataclass(frozen=True)
class Checkpoint:
    """A file that can be chosen; `architecture` is guessed by its name, None when that tells nothing."""

    name: str
    num_bytes: int
    architecture: str | None


def checkpoints() -> list[Checkpoint]:
    """The checkpoint files of the server's folder, by name."""
    folder: Path = settings.CHECKPOINT_FOLDER
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    return [
        Checkpoint(path.name, path.stat().st_size, guess_architecture(path.name)) for path in paths
    ]


def put_checkpoint(path: Path) -> str:
    """Puts a file of this machine into the folder of checkpoints; returns its name there.

    Raises `Invalid` when it is no checkpoint file, and `Conflict` when another file has its name.
    """
    if path.suffix not in SUFFIXES or not path.is_file():
        raise Invalid(f"{path} is no file that ends in {' or '.join(SUFFIXES)}.", field="file")
    folder: Path = settings.CHECKPOINT_FOLDER
    target = folder / path.name
    if target.exists():
        if not filecmp.cmp(target, path, shallow=False):
            raise Conflict(f"{target} is another file of that name.", code="name_taken")
        return path.name
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{path.name}.partial")
    shutil.copyfile(path, partial)
    os.replace(partial, target)
    return path.name


def start_registration(*, file: str, architecture: str, by: Person | None) -> Job:
    """Queues a job that makes a bundle of a checkpoint in the folder.

    Raises `Invalid` for a file that is not there or an unknown architecture, `Conflict` (registering) while the
    same file is being registered.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise Invalid(f"{architecture!r:.40} is none of {known}.", field="architecture")
    if file not in {each.name for each in checkpoints()}:
        raise Invalid(f"There is no checkpoint {file!r:.200} on the server.", field="file")
    with transaction.atomic():
        job, is_new = create_job(
            kind=JobKind.REGISTER, wanted=WantedJob(subject=file[:300], request={})
        )
        if not is_new:
            raise Conflict(f"{file} is being registered.", code="registering")
        job.request = {
            "checkpoint": file,
            "architecture": architecture,
            "out_prefix": out_prefix(job),
        }
        job.save(update_fields=["request"])
        record_act(
            person=by,
            act="checkpoint.registering",
            subject=file,
            detail={"architecture": architecture},
        )
    return job


def register_checkpoint(*, job: Job, result: dict[str, Any]) -> ModelVersion:
    """Inside a transaction: the bundle of a finished registration becomes a version, and is put beside the one in use.

    Raises `Invalid` when the bundle is incomplete or damaged.
    """
    prefix = reported_bundle(job=job, result=result)
    label = ARCHITECTURES.get(job.request["architecture"], job.request["architecture"])
    version = register_prefix(prefix=prefix, name=f"{label}, {job.request['checkpoint'][:80]}")
    transaction.on_commit(lambda: _drop_copy(prefix), robust=True)
    in_use = current_model_version()
    if in_use is not None and in_use.pk != version.pk:
        try:
            start_comparison(base=in_use, candidate=version, by=None)
        except Invalid as reason:
            log.info("not compared", model=str(version.pk), reason=reason.message)
    return version


def _drop_copy(prefix: str) -> None:
    """The bundle lies under its fingerprint now, and may be gigabytes; the manifest stays to tell what was made."""
    storage = file_storage()
    for key in storage.list(prefix):
        if not key.endswith("manifest.json"):
            storage.delete(key)
