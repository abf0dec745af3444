"""Changing, and removing, any number of images of a project at once; one is the smallest number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from annotator.errors import Conflict, DomainError, NotInScope
from annotator.models import Agreement, Image, Person, Project
from annotator.queries.image_copies import good_masks, is_handed_in
from annotator.queries.scope import NOTHING
from annotator.services.audit import record_act

ACTS = {
    ("held_out", True): "image.held_out",
    ("held_out", False): "image.for_training",
    ("is_reference", True): "image.reference",
    ("is_reference", False): "image.no_reference",
    ("is_practice", True): "image.practice",
    ("is_practice", False): "image.no_practice",
}
COMPARED = ("is_reference", "is_practice")  # need masks that are known to be good


@dataclass(frozen=True)
class ImageChanges:
    """What to change; None leaves a thing as it is."""

    held_out: bool | None = None  # scored, never trained on
    is_reference: bool | None = None  # set again, everybody's scores on the image are made anew
    is_practice: bool | None = None
    removed: bool = False  # out of sight; its masks stay in the database

    def marks(self) -> dict[str, bool]:
        """The fields to set."""
        named = {name: getattr(self, name) for name in ("held_out", *COMPARED)}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class RefusedImage:
    id: UUID
    name: str  # empty: the project has no such image
    error: DomainError


@dataclass(frozen=True)
class ImageChangeReport:
    changed: list[UUID]
    refused: list[RefusedImage]


def change_images(
    *, project: Project, image_ids: Iterable[UUID], changes: ImageChanges, by: Person
) -> ImageChangeReport:
    """Changes each image wholly or, with a reason, not at all; a refused one costs the others nothing.

    Refused are those that the project does not have (`NotInScope`), and as reference or practice images those that are
    not handed in, or have no good masks (`Conflict`). One that is removed already counts as removed.
    """
    wanted = list(dict.fromkeys(image_ids))
    with transaction.atomic():
        images = _locked(project, wanted)
        there = {one.pk: one for one in images.values() if one.deleted_at is None}
        refusals = _refusals(there.values(), changes)
        changing = [one for one in there.values() if one.pk not in refusals]
        _change(changing, changes)
        _record(project, changing, changes, by=by)
    done = {one.pk for one in changing} | (
        images.keys() - there.keys() if changes.removed else set()
    )
    refused = [
        RefusedImage(pk, there[pk].name, refusals[pk])
        if pk in refusals
        else RefusedImage(pk, "", NotInScope(NOTHING))
        for pk in wanted
        if pk not in done
    ]
    return ImageChangeReport([pk for pk in wanted if pk in done], refused)


def change_image(*, image: Image, changes: ImageChanges, by: Person) -> None:
    """The same for one image; raises why it is refused."""
    report = change_images(project=image.project, image_ids=[image.pk], changes=changes, by=by)
    for refused in report.refused:
        raise refused.error


def _locked(project: Project, ids: list[UUID]) -> dict[UUID, Image]:
    """In one order for everybody, so that two changes at once wait for each other."""
    images = Image.objects.filter(project=project, pk__in=ids).order_by("pk")
    return {one.pk: one for one in images.select_for_update(of=("self",))}


def _refusals(images: Iterable[Image], changes: ImageChanges) -> dict[UUID, Conflict]:
    field = next((name for name in COMPARED if changes.marks().get(name)), None)
    if field is None:
        return {}
    asked = Image.objects.filter(pk__in=[one.pk for one in images]).annotate(
        handed_in=is_handed_in(OuterRef("pk")), has_masks=Exists(good_masks(OuterRef("pk")))
    )
    found = asked.values_list("pk", "handed_in", "has_masks")
    return {
        pk: _no_masks(field) if handed_in else _not_handed_in(field)
        for pk, handed_in, has_masks in found
        if not (handed_in and has_masks)
    }


def _not_handed_in(field: str) -> Conflict:
    text = (
        "Others can be compared only with an image that is handed in; this one is still worked on."
    )
    return Conflict(text, code="not_handed_in", field=field)


def _no_masks(field: str) -> Conflict:
    text = "Others are compared with its masks: it needs accepted ones that no reviewer sent back."
    return Conflict(text, code="no_masks", field=field)


def _change(images: list[Image], changes: ImageChanges) -> None:
    if changes.is_reference:
        Agreement.objects.filter(other__in=images, other_annotator=None).delete()
    removal = {"deleted_at": timezone.now()} if changes.removed else {}
    Image.objects.filter(pk__in=[one.pk for one in images]).update(**changes.marks(), **removal)


def _record(project: Project, images: list[Image], changes: ImageChanges, *, by: Person) -> None:
    """One act for all of them: a thousand would leave room for nothing else in the record."""
    if not images:
        return
    names = {str(one.pk): one.name for one in images}
    subject = images[0].name if len(images) == 1 else f"{len(images):,} images"
    acts = [ACTS[mark] for mark in changes.marks().items()]
    for act in acts + ["image.removed"] * changes.removed:
        record_act(person=by, project=project, act=act, subject=subject, detail={"images": names})
