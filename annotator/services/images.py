"""Images of a project: adding files, removing and restoring an image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import Max, OuterRef
from django.utils import timezone

from annotator.errors import Conflict, DomainError
from annotator.models import Agreement, Image, Person, Picture, Project
from annotator.queries.image_copies import good_masks, is_handed_in
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


def remove_image(*, image: Image, by: Person) -> None:
    """Takes an image out of sight; its masks stay in the database."""
    with transaction.atomic():
        image.deleted_at = timezone.now()
        image.save(update_fields=["deleted_at"])
        record_act(person=by, project=image.project, act="image.removed", subject=str(image.id))


def set_held_out(*, image: Image, held_out: bool, by: Person) -> None:
    """Keeps the masks of an image for scoring, never for training, or gives them to training again."""
    with transaction.atomic():
        image.held_out = held_out
        image.save(update_fields=["held_out"])
        act = "image.held_out" if held_out else "image.for_training"
        record_act(person=by, project=image.project, act=act, subject=image.name)


def set_reference(*, image: Image, is_reference: bool, by: Person) -> None:
    """Marks an image whose masks are known to be good, or takes the mark away; scores stay then.

    Marked again, everybody's scores on it are made anew. Raises `Conflict` while it is not handed in, or has no masks.
    """
    with transaction.atomic():
        if is_reference:
            _check_known(image, field="is_reference")
            Agreement.objects.filter(other=image, other_annotator=None).delete()
        image.is_reference = is_reference
        image.save(update_fields=["is_reference"])
        act = "image.reference" if is_reference else "image.no_reference"
        record_act(person=by, project=image.project, act=act, subject=image.name)


def set_practice(*, image: Image, is_practice: bool, by: Person) -> None:
    """Puts an image whose masks are known to be good into the practice set, or takes it out.

    Raises `Conflict` while it is not handed in, or has no masks.
    """
    with transaction.atomic():
        if is_practice:
            _check_known(image, field="is_practice")
        image.is_practice = is_practice
        image.save(update_fields=["is_practice"])
        act = "image.practice" if is_practice else "image.no_practice"
        record_act(person=by, project=image.project, act=act, subject=image.name)


def _check_known(image: Image, *, field: str) -> None:
    if not Image.objects.filter(is_handed_in(OuterRef("pk")), pk=image.pk).exists():
        text = "Others can be compared only with an image that is handed in; this one is still worked on."
        raise Conflict(text, code="not_handed_in", field=field)
    if not good_masks(image).exists():
        text = (
            "Others are compared with its masks: it needs accepted ones that no reviewer sent back."
        )
        raise Conflict(text, code="no_masks", field=field)


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
