"""How far people agree with reference images. Every number is a query over comparisons of copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from annotator.models import Agreement, Image, MaskRevision, Person, Project
from annotator.models.masks import ACCEPTED

FEW_IMAGES = 3  # scores on fewer say little


@dataclass(frozen=True)
class Scores:
    """Of some comparisons with reference images; shares and means are None where there is nothing to count."""

    num_images: int
    num_matched: int
    num_missed: int  # masks of the reference that the person has not
    num_extra: int  # masks of the person that the reference has not
    mean_iou: float | None  # of the matched masks
    mean_boundary_iou: float | None

    @property
    def num_objects(self) -> int:
        return self.num_matched + self.num_missed

    @property
    def found_share(self) -> float | None:
        return self.num_matched / self.num_objects if self.num_objects else None

    @property
    def is_sure(self) -> bool:
        return self.num_images >= FEW_IMAGES


@dataclass(frozen=True)
class PersonScores:
    person: UUID
    name: str
    scores: Scores


@dataclass(frozen=True)
class ImageScore:
    """One person's work on one copy of a reference image."""

    image: UUID  # the reference image
    image_name: str
    handed_in_at: datetime
    scores: Scores


def handed_in_masks(*, image: Image, annotator: Person, until: datetime) -> QuerySet[MaskRevision]:
    """What a person had made of an image at a moment: accepted versions of their own, no corrections by others."""
    newest = (
        MaskRevision.objects.filter(mask__image=image, author=annotator, created_at__lte=until)
        .order_by("mask_id", "-version")
        .distinct("mask_id")
    )
    accepted = MaskRevision.objects.filter(ACCEPTED, pk__in=newest.values("pk"))
    return accepted.order_by("mask__order_index", "mask_id")


def reference_agreements(project: Project) -> QuerySet[Agreement]:
    """Comparisons with reference images that are still there, newest first."""
    return (
        Agreement.objects.filter(
            other__project=project, other__deleted_at=None, other_annotator=None
        )
        .select_related("annotator", "other")
        .order_by("-handed_in_at", "-id")
    )


def people_scores(project: Project) -> list[PersonScores]:
    """Everybody who handed in a copy of a reference image, by name: nobody is ranked."""
    by_person: dict[Person, list[Agreement]] = {}
    for one in reference_agreements(project):
        by_person.setdefault(one.annotator, []).append(one)
    found = [
        PersonScores(person.pk, person.display_name, scores_of(rows))
        for person, rows in by_person.items()
    ]
    return sorted(found, key=lambda one: (one.name, one.person))


def image_scores(project: Project, person: Person) -> list[ImageScore]:
    """A person's scores image by image, newest first."""
    return [
        ImageScore(one.other_id, one.other.name, one.handed_in_at, scores_of([one]))
        for one in reference_agreements(project).filter(annotator=person)
    ]


def scores_of(rows: Iterable[Agreement]) -> Scores:
    """Means weigh each matched pair alike."""
    rows = list(rows)
    num_matched = sum(row.num_matched for row in rows)
    return Scores(
        num_images=len(rows),
        num_matched=num_matched,
        num_missed=sum(row.num_only_there for row in rows),
        num_extra=sum(row.num_only_here for row in rows),
        mean_iou=weighted_mean((row.mean_iou, row.num_matched) for row in rows),
        mean_boundary_iou=weighted_mean((row.mean_boundary_iou, row.num_matched) for row in rows),
    )


def weighted_mean(values: Iterable[tuple[float | None, int]]) -> float | None:
    """The mean of values by their weights; None without any."""
    known = [(value, weight) for value, weight in values if value is not None and weight]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def num_references(project: Project) -> int:
    """Images that are marked as references."""
    return Image.objects.filter(project=project, deleted_at=None, is_reference=True).count()
