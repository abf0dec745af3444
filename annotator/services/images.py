"""Images of a project: adding files, which brings removed ones back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import Max

from annotator.errors import Conflict, DomainError
from annotator.models import Image, Person, Picture, Project
from annotator.services.audit import record_act
from annotator.services.embeddings import request_embedding
from annotator.services.picture_processes import PictureReader
from annotator.services.pictures import store_picture

CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Upload:
    """One file to add: what the person calls it, and where its bytes lie."""

    name: str
    path: Path


@dataclass(frozen=True)
class Added:
    image: Image
    is_duplicate: bool  # the project had this picture; nothing was added


@dataclass(frozen=True)
class Refusal:
    name: str
    code: str
    message: str


@dataclass(frozen=True)
class UploadReport:
    added: list[Added]
    refused: list[Refusal]


def add_images(*, project: Project, uploads: Iterable[Upload], by: Person | None) -> UploadReport:
    """Adds each file on its own: a refused one costs the others nothing."""
    require_open(project)
    added: list[Added] = []
    refused: list[Refusal] = []
    with PictureReader() as reader:
        for upload in uploads:
            name = clean_name(upload.name)
            try:
                picture = store_picture(source=upload.path, reader=reader)
            except DomainError as error:
                refused.append(Refusal(name, error.code, error.message))
                continue
            added.append(add_picture(project=project, picture=picture, name=name, by=by))
    new = [one.image.name for one in added if not one.is_duplicate]
    if new:
        record_act(
            person=by,
            project=project,
            act="images.added",
            subject=project.name,
            detail={"images": len(new)},
        )
    return UploadReport(added, refused)


def require_open(project: Project) -> None:
    """Raises `Conflict` for an archived project, which takes no images any more."""
    if project.archived_at is not None:
        raise Conflict("The project is archived.", code="archived")


def add_picture(*, project: Project, picture: Picture, name: str, by: Person | None) -> Added:
    """Adds a stored picture under a clean name; one that was removed comes back."""
    there = Image.objects.filter(project=project, picture=picture, deleted_at=None).first()
    if there is not None:
        return Added(there, is_duplicate=True)
    with transaction.atomic():
        # One writer per project, so that the order of two uploads at once is one order.
        Project.objects.select_for_update().get(id=project.id)
        known = Image.objects.filter(project=project, picture=picture).first()
        if known is not None:
            was_removed = known.deleted_at is not None
            if was_removed:
                known.deleted_at = None
                known.save(update_fields=["deleted_at"])
            return Added(known, is_duplicate=not was_removed)
        last = Image.objects.filter(project=project).aggregate(last=Max("order_index"))["last"]
        image = Image.objects.create(
            project=project,
            picture=picture,
            name=name,
            order_index=0 if last is None else last + 1,
            held_out=is_held_out(sha256=picture.sha256, percent=project.held_out_percent),
            uploaded_by=by,
        )
    request_embedding(picture=picture, priority=0)
    return Added(image, is_duplicate=False)


def is_held_out(*, sha256: str, percent: int) -> bool:
    """Whether a picture belongs to the share that is kept for scoring, by its content alone.

    The same picture falls the same way in every project, and a larger share contains the smaller ones: what
    one project scores on is not what another trains on.
    """
    return int(sha256[-8:], 16) * 100 < percent << 32


def clean_name(name: str) -> str:
    """The display name: the last part of a path, without control characters, at most 255 long."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return CONTROL_CHARACTERS.sub("", last).strip()[:255] or "image"
