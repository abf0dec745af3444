"""Rating studies: what a rater sees next, and what the ratings say of each source of masks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.db.models import Count, F, Q, QuerySet

from annotator.errors import NotInScope
from annotator.models import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Mask,
    MaskOrigin,
    MaskSource,
    Person,
    Project,
    Rating,
    RatingStudy,
    StudiedMask,
)
from annotator.queries.reviews import reviewable_masks, without_rejected
from annotator.queries.scope import NOTHING
from common.intervals import bootstrap

MIN_AREA = 24 * 24  # in pixels, as in the paper: of a smaller mask nobody sees the edge
ASKED_FOR = timedelta(days=30)  # people are reminded of a study for so long
SCALE = range(LOWEST_RATING, HIGHEST_RATING + 1)
OF_SOURCE = {
    MaskSource.ANNOTATED: Q(origin=MaskOrigin.ANNOTATED, image__is_reference=False),
    MaskSource.IMPORTED: Q(origin=MaskOrigin.IMPORTED, image__is_reference=False),
    MaskSource.REFERENCE: Q(image__is_reference=True),
}


@dataclass(frozen=True)
class SourceResult:
    """The ratings of one source's masks; mean and its 95 % interval are None while there are too few."""

    source: str
    num_masks: int
    num_rated: int
    counts: list[int]  # how often each rating was given, from the lowest
    mean: float | None
    interval: tuple[float, float] | None

    @property
    def label(self) -> str:
        return MaskSource(self.source).label

    @property
    def num_ratings(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class StudyResult:
    study: RatingStudy
    num_raters: int
    sources: list[SourceResult]

    @property
    def num_masks(self) -> int:
        return sum(one.num_masks for one in self.sources)

    @property
    def num_ratings(self) -> int:
        return sum(one.num_ratings for one in self.sources)


@dataclass(frozen=True)
class StudyToRate:
    """How far somebody has come in a study that asks for them."""

    study: RatingStudy
    num_rated: int
    num_masks: int


def masks_of_source(project: Project, source: MaskSource) -> QuerySet[Mask]:
    """Accepted masks, large enough to be judged, of images that are handed in."""
    masks = without_rejected(reviewable_masks(project)).order_by()
    return masks.filter(OF_SOURCE[source], area__gte=MIN_AREA)


def studies_of(project: Project) -> QuerySet[RatingStudy]:
    """Newest first."""
    return RatingStudy.objects.filter(project=project).order_by("-created_at", "id")


def studied_masks(study: RatingStudy) -> QuerySet[StudiedMask]:
    """What can be looked at: images may have been removed since."""
    return (
        StudiedMask.objects.filter(study=study, mask__image__deleted_at=None)
        .select_related("mask__image__picture")
        .order_by("id")
    )


def find_studied(study: RatingStudy, studied_id: UUID) -> StudiedMask:
    found = studied_masks(study).filter(id=studied_id).first()
    if found is None:
        raise NotInScope(NOTHING)
    return found


def next_to_rate(study: RatingStudy, rater: Person) -> StudiedMask | None:
    """Everybody has an order of their own, the same at each call."""
    ids = list(studied_masks(study).values_list("id", flat=True))
    random.Random(f"{study.id} {rater.id}").shuffle(ids)
    rated = set(_ratings(study).filter(rater=rater).values_list("studied_id", flat=True))
    left = next((one for one in ids if one not in rated), None)
    return None if left is None else find_studied(study, left)


def progress_of(study: RatingStudy, rater: Person) -> tuple[int, int]:
    """How many masks the person has rated, of how many."""
    masks = studied_masks(study)
    return masks.filter(ratings__rater=rater).count(), masks.count()


def studies_to_rate(person: Person, *, now: datetime) -> list[StudyToRate]:
    """Young studies of the person's projects in which masks are left for them to rate, newest first."""
    live = Q(masks__mask__image__deleted_at=None)
    mine = live & Q(masks__ratings__rater=person)
    found = (
        RatingStudy.objects.filter(
            project__memberships__person=person,
            project__archived_at=None,
            created_at__gt=now - ASKED_FOR,
        )
        .select_related("project")
        .annotate(
            num_masks=Count("masks", filter=live, distinct=True),
            num_rated=Count("masks", filter=mine, distinct=True),
        )
        .filter(num_rated__lt=F("num_masks"))
        .order_by("-created_at", "id")
    )
    return [StudyToRate(study, study.num_rated, study.num_masks) for study in found]


def study_result(study: RatingStudy) -> StudyResult:
    """The numbers of a study as far as it has come."""
    drawn = dict(
        StudiedMask.objects.filter(study=study)
        .order_by()
        .values_list("source")
        .annotate(num=Count("id"))
    )
    rows = list(
        _ratings(study).values_list(
            "studied__source", "studied_id", "studied__mask__image_id", "rating", "rater_id"
        )
    )
    sources = [
        _of_source(source, drawn.get(source, 0), [row[1:4] for row in rows if row[0] == source])
        for source in study.sources
    ]
    return StudyResult(study, len({row[4] for row in rows}), sources)


def rating_rows(study: RatingStudy) -> Iterator[dict[str, object]]:
    """Every rating, for a file."""
    ratings = _ratings(study).select_related("studied__mask__image", "rater")
    for one in ratings.order_by("studied__source", "studied_id", "rater__name"):
        yield {
            "source": one.studied.source,
            "mask": str(one.studied.mask_id),
            "version": one.studied.version,
            "image": str(one.studied.mask.image_id),
            "image_name": one.studied.mask.image.name,
            "rater": one.rater.name,
            "rating": one.rating,
            "rated_at": one.rated_at,
        }


def _of_source(source: str, num_masks: int, rows: list[tuple[UUID, UUID, int]]) -> SourceResult:
    """Of (studied mask, image, rating) each. Images are drawn again with all ratings of their masks."""
    by_image: dict[UUID, list[int]] = {}
    for _, image, rating in rows:
        by_image.setdefault(image, []).append(rating)
    ratings = [rating for _, _, rating in rows]
    sums = np.array([float(sum(given)) for given in by_image.values()])
    weights = np.array([float(len(given)) for given in by_image.values()])
    return SourceResult(
        source=source,
        num_masks=num_masks,
        num_rated=len({studied for studied, _, _ in rows}),
        counts=[ratings.count(rating) for rating in SCALE],
        mean=sum(ratings) / len(ratings) if ratings else None,
        interval=bootstrap(sums, weights) if len(by_image) > 1 else None,
    )


def _ratings(study: RatingStudy) -> QuerySet[Rating]:
    return Rating.objects.filter(studied__study=study)
