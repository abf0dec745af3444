"""Exports: a project's accepted masks, or a part of them, in one file, written in the background."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.db import transaction

from annotator.errors import Invalid
from annotator.models import Export, JobKind, Person, Project
from annotator.queries.export_parts import WHOLE, ExportPart, check_part
from annotator.services.audit import record_act
from annotator.services.export_formats.coco import write_coco, write_polygons
from annotator.services.export_formats.label_maps import write_label_maps
from annotator.services.export_formats.provenance import write_provenance
from annotator.services.export_formats.sa1b import write_sa1b
from annotator.services.export_formats.source import Advance, Selection, picture_name
from annotator.services.export_formats.yolo import write_yolo
from annotator.services.heart import Heart
from annotator.services.jobs import WantedJob, create_job
from annotator.services.room import require_room
from annotator.services.stores import file_storage
from annotator.services.web_jobs import run_attempt


@dataclass(frozen=True)
class FileType:
    suffix: str
    content_type: str


ZIP = FileType("zip", "application/zip")
JSON = FileType("json", "application/json")
JSON_LINES = FileType("jsonl", "application/x-ndjson")


@dataclass(frozen=True)
class ExportFormat:
    """How masks are written into one file, and what kind of file that is."""

    label: str  # what people call it
    write: Callable[[Selection, BinaryIO, Advance], int]  # returns how many masks
    file_type: FileType  # without pictures; with them it is a zip file
    takes_pictures: bool = True
    tells_of_all: bool = False  # of images without masks too, when the whole project is written

    def type_of_file(self, *, with_pictures: bool) -> FileType:
        return ZIP if with_pictures else self.file_type


FORMATS = {
    "coco": ExportFormat("COCO RLE", write_coco, JSON, tells_of_all=True),
    "sa1b": ExportFormat("SA-1B JSON", write_sa1b, ZIP),
    "labels": ExportFormat("PNG label maps", write_label_maps, ZIP),
    "yolo": ExportFormat("YOLO polygons", write_yolo, ZIP),
    "polygons": ExportFormat("COCO polygons", write_polygons, JSON, tells_of_all=True),
    "provenance": ExportFormat(
        "Provenance, JSON lines", write_provenance, JSON_LINES, takes_pictures=False
    ),
}


def request_export(
    *,
    project: Project,
    by: Person | None,
    format: str = "coco",
    part: ExportPart = WHOLE,
    with_pictures: bool = False,
) -> Export:
    """Queues an export.

    Raises `Invalid` for an unknown format or part, and for pictures in a format without; `StorageLow` when its
    pictures do not fit.
    """
    check_format(format, with_pictures=with_pictures)
    check_part(project=project, part=part)
    check_pictures_fit(Selection(project, part, with_pictures=with_pictures), format=format)
    with transaction.atomic():
        export_id = uuid.uuid4()
        job, _ = create_job(
            kind=JobKind.EXPORT, wanted=WantedJob(subject=str(export_id), request={})
        )
        export = Export.objects.create(
            id=export_id,
            project=project,
            job=job,
            format=format,
            part=part.to_json(),
            with_pictures=with_pictures,
            created_by=by,
        )
        record_act(person=by, project=project, act="export.requested", subject=str(export.id))
    return export


def check_format(format: str, *, with_pictures: bool = False) -> None:
    """Raises `Invalid` for one that there is not, or that takes no pictures."""
    if format not in FORMATS:
        text = f"{format!r:.40} is no export format: {', '.join(FORMATS)}"
        raise Invalid(text, code="bad_format", field="format")
    if with_pictures and not FORMATS[format].takes_pictures:
        text = f"{FORMATS[format].label}: it goes without pictures."
        raise Invalid(text, code="no_pictures", field="with_pictures")


def check_pictures_fit(selection: Selection, *, format: str) -> None:
    """Raises `StorageLow` for an export whose pictures are more than the storage can take; masks are little beside."""
    if selection.with_pictures:
        require_room(
            selection.num_picture_bytes(of_all=FORMATS[format].tells_of_all),
            purpose="The export with its pictures",
            advice="Free some, or export without the pictures or a part of them.",
        )


def run_export(*, job_id: str, token: int) -> None:
    """Carries out one attempt at an export."""

    def write(heart: Heart) -> None:
        export = Export.objects.select_related("project").get(job_id=job_id)
        write_export(export=export, advance=heart.advance)

    run_attempt(job_id=job_id, token=token, work=write, hitch="The file could not be written")


def write_export(*, export: Export, advance: Advance) -> None:
    """Writes the file of an export, and keeps its hash and the number of masks."""
    storage, format = file_storage(), FORMATS[export.format]
    selection = Selection(
        export.project, ExportPart.from_json(export.part), with_pictures=export.with_pictures
    )
    check_pictures_fit(selection, format=export.format)
    suffix = format.type_of_file(with_pictures=export.with_pictures).suffix
    export.file_key = f"exports/{export.id}.{suffix}"
    with storage.writer(export.file_key) as out:
        export.num_masks = format.write(selection, out, advance)
    export.file_sha256 = storage.sha256(export.file_key)
    export.save(update_fields=["file_key", "file_sha256", "num_masks"])


def copy_pictures(*, selection: Selection, folder: Path) -> int:
    """Writes the pictures that an export names into a folder; returns how many were not there."""
    folder.mkdir(parents=True, exist_ok=True)
    num_written = 0
    for _, image in selection.images():
        path = folder / picture_name(image.picture)
        if path.exists():
            continue
        beside = path.with_name(f".{path.name}.partial")
        with file_storage().open(image.picture.file_key) as source, beside.open("wb") as file:
            shutil.copyfileobj(source, file)
        beside.replace(path)
        num_written += 1
    return num_written
