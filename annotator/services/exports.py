"""Exports: a project's accepted masks as one COCO file, written in the background."""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from django.db import connection, transaction

from annotator.errors import Invalid
from annotator.models import Export, Image, JobKind, Mask, Person, Picture, Project
from annotator.queries.training_sets import accepted_masks
from annotator.services.audit import record_act
from annotator.services.jobs import WantedJob, create_job
from annotator.services.reports import record_report
from annotator.services.stores import file_storage
from common.messages import JobReport, ReportState

FORMATS = ("coco",)
HEARTBEAT_S = 5.0
CATEGORY_ID = 1  # the tool is class-free: one category for everything
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class Piece:
    """Some text of the file; `share` is how much of the work is done, 0 to 1."""

    text: str
    is_mask: bool = False
    share: float = 0.0


@dataclass
class Heart:
    """Keeps the lease of an export while its file is written, by a thread with a connection of its own.

    The file is written in one transaction, in which nobody would see a heartbeat.
    """

    job_id: str
    token: int
    share: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def advance(self, share: float) -> None:
        """How much is done, 0 to 1; told with the next beat."""
        self.share = share

    def report(
        self, state: ReportState, *, error: str = "", result: dict[str, Any] | None = None
    ) -> bool:
        """False when the job is no longer this attempt's."""
        report = JobReport(
            job_id=self.job_id,
            token=self.token,
            state=state,
            progress=self.share,
            error=error,
            result=result or {},
        )
        return record_report(report)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_S):
                self.report("running")
        finally:
            connection.close()


def request_export(*, project: Project, by: Person | None, format: str = "coco") -> Export:
    """Queues an export. Raises `Invalid` for an unknown format."""
    if format not in FORMATS:
        raise Invalid(
            f"{format!r:.40} is no export format: coco", code="bad_format", field="format"
        )
    with transaction.atomic():
        export_id = uuid.uuid4()
        job, _ = create_job(
            kind=JobKind.EXPORT, wanted=WantedJob(subject=str(export_id), request={})
        )
        export = Export.objects.create(
            id=export_id, project=project, job=job, format=format, created_by=by
        )
        record_act(person=by, project=project, act="export.requested", subject=str(export.id))
    return export


def run_export(*, job_id: str, token: int) -> None:
    """Carries out one attempt at an export, and reports it as a model worker would."""
    heart = Heart(job_id=job_id, token=token)
    if not heart.report("running"):
        return
    export = Export.objects.select_related("project").get(job_id=job_id)
    try:
        with heart:
            write_export(export=export, advance=heart.advance)
    except OSError as error:
        text = f"The file could not be written: {error}"
        heart.report("failed", error=text, result={"retry": True})
        return
    heart.report("done")


def write_export(*, export: Export, advance: Callable[[float], None]) -> None:
    """Writes the file of an export, and keeps its hash and the number of masks."""
    storage = file_storage()
    export.file_key = f"exports/{export.id}.json"
    export.num_masks = 0
    with storage.writer(export.file_key) as out:
        for piece in coco_pieces(project=export.project):
            out.write(piece.text.encode())
            export.num_masks += piece.is_mask
            advance(piece.share)
    export.file_sha256 = storage.sha256(export.file_key)
    export.save(update_fields=["file_key", "file_sha256", "num_masks"])


def coco_pieces(*, project: Project) -> Iterator[Piece]:
    """A COCO file in pieces: one moment's state, the same bytes as long as nothing changed."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        numbers: dict[uuid.UUID, int] = {}
        masks = accepted_masks(project).order_by(
            "image__order_index", "image_id", "order_index", "id"
        )
        num_masks = masks.count()
        yield Piece('{"info":' + _json({"description": project.name, "version": "1.0"}))
        yield Piece(',"licenses":[],"categories":' + _json([{"id": CATEGORY_ID, "name": "object"}]))
        yield Piece(',"images":[')
        for number, image in enumerate(_ordered_images(project), 1):
            numbers[image.id] = number
            yield Piece(("," if number > 1 else "") + _json(_coco_image(image, number)))
        yield Piece('],"annotations":[')
        for number, mask in enumerate(masks.iterator(chunk_size=200), 1):
            text = _json(_coco_annotation(mask, number, numbers[mask.image_id]))
            comma = "," if number > 1 else ""
            yield Piece(comma + text, is_mask=True, share=number / num_masks)
        yield Piece("]}\n", share=1.0)


def copy_pictures(*, project: Project, folder: Path) -> int:
    """Writes the pictures that a project's COCO file names into a folder; returns how many were not there."""
    folder.mkdir(parents=True, exist_ok=True)
    num_written = 0
    for image in _ordered_images(project):
        path = folder / _file_name(image.picture)
        if path.exists():
            continue
        beside = path.with_name(f".{path.name}.partial")
        with file_storage().open(image.picture.file_key) as source, beside.open("wb") as file:
            shutil.copyfileobj(source, file)
        beside.replace(path)
        num_written += 1
    return num_written


def _file_name(picture: Picture) -> str:
    return f"{picture.sha256}.{SUFFIXES[picture.file_type]}"


def _ordered_images(project: Project) -> Iterator[Image]:
    images = Image.objects.filter(project=project, deleted_at=None).select_related("picture")
    return images.order_by("order_index", "id").iterator(chunk_size=500)


def _coco_image(image: Image, number: int) -> dict[str, object]:
    picture = image.picture
    return {
        "id": number,
        "file_name": _file_name(picture),
        "name": image.name,
        "width": picture.width,
        "height": picture.height,
        "held_out": image.held_out,
        "image_id": str(image.id),
    }


def _coco_annotation(mask: Mask, number: int, image_number: int) -> dict[str, object]:
    """COCO boxes are x, y, width, height; the RLE is the stored one."""
    x0, y0, x1, y1 = mask.box
    picture = mask.image.picture
    return {
        "id": number,
        "image_id": image_number,
        "category_id": CATEGORY_ID,
        "iscrowd": 0,
        "area": mask.area,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "segmentation": {"size": [picture.height, picture.width], "counts": mask.counts},
        "predicted_iou": mask.predicted_iou,
        "origin": mask.origin,
        "mask_id": str(mask.id),
        "mask_version": mask.version,
    }


def _json(values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
