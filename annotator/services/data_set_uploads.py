"""Data sets that people send as a zip file, kept until they are imported in the background, or choose on the server."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from annotator.models import Import, Job, JobKind, Person, Project
from annotator.services.archives import unpack
from annotator.services.audit import record_act
from annotator.services.heart import Heart, Stopped
from annotator.services.images import clean_name, require_open
from annotator.services.imports import ImportReport, ImportSettings, import_masks
from annotator.services.jobs import WantedJob, create_job
from annotator.services.room import require_room
from annotator.services.server_folder import find_server_data_set
from annotator.services.stores import file_storage
from annotator.services.web_jobs import run_attempt, stop_job


def request_import(*, project: Project, by: Person, name: str, path: Path) -> Import:
    """Keeps the file and queues its import. Raises `Conflict` (archived) and `StorageLow`."""
    require_open(project)
    require_room(
        2 * path.stat().st_size,
        purpose="The file, unpacked,",
        advice="Free some, or send it in parts.",
    )
    import_id = uuid.uuid4()
    file_key = f"imports/{import_id}.zip"
    file_storage().put_file(file_key, path)
    return _queue(import_id, project=project, by=by, name=clean_name(name), file_key=file_key)


def request_server_import(*, project: Project, by: Person, name: str) -> Import:
    """Queues the import of an entry of the server's folder. Raises `Conflict` (archived) and `Invalid`."""
    require_open(project)
    find_server_data_set(name)
    return _queue(uuid.uuid4(), project=project, by=by, name=name, file_key="")


def _queue(
    import_id: uuid.UUID, *, project: Project, by: Person, name: str, file_key: str
) -> Import:
    with transaction.atomic():
        job, _ = create_job(
            kind=JobKind.IMPORT, wanted=WantedJob(subject=str(import_id), request={})
        )
        one = Import.objects.create(
            id=import_id,
            project=project,
            job=job,
            name=name,
            file_key=file_key,
            created_by=by,
        )
        record_act(person=by, project=project, act="import.requested", subject=one.name)
    return one


def run_import(*, job_id: str, token: int) -> None:
    """Carries out one attempt at an import.

    A later attempt goes on where this one was cut off: what is there is left alone.
    """
    one = Import.objects.select_related("project", "created_by").get(job_id=job_id)
    run_attempt(
        job_id=job_id,
        token=token,
        work=lambda heart: _import(one, heart),
        hitch="It could not be read",
    )
    if not Job.objects.get(id=job_id).is_open:
        _drop_file(one)


def stop_import(*, one: Import, by: Person) -> None:
    """What came in stays. Raises `Conflict` when it has ended."""
    stop_job(job=one.job, project=one.project, by=by)
    if not one.job.is_open:
        _drop_file(one)


def _drop_file(one: Import) -> None:
    """What was sent; what lies in the server's folder is the admins'."""
    if one.file_key:
        file_storage().delete(one.file_key)


def describe_report(report: ImportReport) -> dict[str, object]:
    """Counts, and the first refusals with their reasons."""
    names = ("images_added", "images_known", "masks_added", "masks_known", "masks_refused")
    return {
        **{name: getattr(report, name) for name in names},
        "crowds_left_out": report.crowds_left_out,
        "reasons": dict(report.reasons.most_common()),
        "refusals": [vars(refusal) for refusal in report.refusals],
    }


def _import(one: Import, heart: Heart) -> None:
    """Imports the file; what was done is kept as the report, also when it was stopped."""

    def advance(report: ImportReport) -> None:
        try:
            heart.advance(report.images_done / report.num_images)
        except Stopped:
            _keep_report(one, report)
            raise

    with _data_set(one) as data_set:
        report = import_masks(
            project=one.project,
            source=data_set,
            settings_=ImportSettings(),
            by=one.created_by,
            advance=advance,
        )
    _keep_report(one, report)


@contextmanager
def _data_set(one: Import) -> Iterator[Path]:
    """The folder with its files; raises as `unpack` and `find_server_data_set` do."""
    place = None if one.file_key else find_server_data_set(one.name)
    if place is not None and place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="maskwright-import-") as folder:
        with place.open("rb") if place else file_storage().open(one.file_key) as source:
            data_set = unpack(source, Path(folder))
        yield data_set


def _keep_report(one: Import, report: ImportReport) -> None:
    Import.objects.filter(id=one.id).update(report=describe_report(report))
