"""A data set as the paper shows its own (figures 5 and 6): how many masks, how large, how concave, and where.

Area and box are columns of a mask; the convex hull comes from the row that the automatic checks keep of its pixels,
so that no mask is decoded here. The distributions are one pass over the masks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, FloatField, IntegerField, QuerySet, When
from django.db.models.functions import Cast, Floor, Sqrt
from django.db.models.lookups import GreaterThanOrEqual

from annotator.errors import Invalid
from annotator.models import Mask, Person, Project, Role
from annotator.queries.round_history import dividing_rounds
from annotator.queries.scope import visible_projects
from annotator.queries.training_sets import accepted_masks

SHARE_BINS = 20  # of sizes and concavities, from 0 to 1
CENTRE_CELLS = 16  # of each side of the map of centres
MASKS_PER_IMAGE: tuple[tuple[int, int | None], ...] = (
    (1, 10),
    (11, 50),
    (51, 100),
    (101, 200),
    (201, None),
)


@dataclass(frozen=True)
class Bin:
    """How many fall from `low` to `high`; None has no end. Of whole numbers both ends are in, else `high` is not."""

    low: float
    high: float | None
    count: int


@dataclass(frozen=True)
class Distribution:
    """Of `count` images or masks; `mean` is None for none of them."""

    count: int
    mean: float | None
    bins: tuple[Bin, ...]

    def share(self, bin: Bin) -> float:
        return bin.count / self.count if self.count else 0.0


@dataclass(frozen=True)
class MaskStatistics:
    """Of accepted masks that nobody rejected, imported ones among them, in images that are there.

    `relative_size` is the root of mask area by image area, `concavity` 1 minus mask area by convex hull, `centres`
    the number of box centres in each cell of the image: rows from the top, columns from the left.
    """

    masks_per_image: Distribution  # of the images that have one
    relative_size: Distribution
    concavity: Distribution  # of the masks whose hull was measured
    centres: tuple[tuple[int, ...], ...]

    @property
    def num_masks(self) -> int:
        return self.relative_size.count

    @property
    def num_images(self) -> int:
        return self.masks_per_image.count


def mask_statistics(project: Project, *, round_number: int | None = None) -> MaskStatistics:
    """Of a whole project, or of what was accepted between one of its rounds and the round before.

    Raises `Invalid` for a round that there is not, or that failed or was stopped.
    """
    masks = accepted_masks(project).select_related(None).order_by()
    if round_number is not None:
        masks = _of_stage(masks, project, round_number)
    per_image = masks.values("image").annotate(num=Count("pk")).values_list("num", flat=True)
    return _distributions(masks, Counter(per_image))


def comparable_projects(person: Person, *, other_than: Project) -> QuerySet[Project]:
    """Other projects whose statistics the person may see: those that they manage; admins all."""
    projects = visible_projects(person).exclude(pk=other_than.pk)
    if not person.is_admin:
        projects = projects.filter(memberships__person=person, memberships__role=Role.MANAGER)
    return projects


def _of_stage(masks: QuerySet[Mask], project: Project, round_number: int) -> QuerySet[Mask]:
    rounds = dividing_rounds(project)
    numbers = [one.number for one in rounds]
    if round_number not in numbers:
        text = f"The project has no round {round_number} that divides its masks."
        raise Invalid(text, code="no_round", field="round")
    place = numbers.index(round_number)
    if place > 0:
        masks = masks.filter(accepted_at__gte=rounds[place - 1].job.created_at)
    return masks.filter(accepted_at__lt=rounds[place].job.created_at)


def _distributions(masks: QuerySet[Mask], per_image: Counter[int]) -> MaskStatistics:
    counts: dict[int, Counter[tuple[int, ...]]] = {kind: Counter() for kind in (_SIZE, _HULL, _AT)}
    num_masks, num_hulls, mean_size, mean_concavity = 0, 0, None, None
    for kind, size_bin, concavity_bin, column, row, count, *whole in _grouped(masks):
        if kind == _WHOLE:
            num_masks = count
            num_hulls, mean_size, mean_concavity = whole
        elif kind == _SIZE:
            counts[kind][(size_bin,)] = count
        elif kind == _HULL and concavity_bin is not None:
            counts[kind][(concavity_bin,)] = count
        elif kind == _AT:
            counts[kind][(row, column)] = count
    side = range(CENTRE_CELLS)
    return MaskStatistics(
        masks_per_image=_per_image(per_image),
        relative_size=Distribution(num_masks, mean_size, _shares(counts[_SIZE])),
        concavity=Distribution(num_hulls, mean_concavity, _shares(counts[_HULL])),
        centres=tuple(tuple(counts[_AT][(row, column)] for column in side) for row in side),
    )


# Which of (size_bin, concavity_bin, centre_column, centre_row) a row of `_grouped` lacks.
_WHOLE, _SIZE, _HULL, _AT = 0b1111, 0b0111, 0b1011, 0b1100


def _grouped(masks: QuerySet[Mask]) -> Sequence[tuple[object, ...]]:
    """Counts by bin, all in one pass: grouping sets are beyond the ORM, what they group is not."""
    width, height = F("image__picture__width"), F("image__picture__height")
    area = Cast("area", FloatField())
    measured = When(
        pixel_check__counts_sha256=F("counts_sha256"),
        pixel_check__hull_area__gt=0,
        then=1.0 - area / F("pixel_check__hull_area"),
    )
    shapes = masks.annotate(
        size=Sqrt(area / (width * height)),
        concavity=Case(measured, output_field=FloatField()),
    ).values_list(
        "size",
        "concavity",
        _bin(F("size"), SHARE_BINS),
        _bin(F("concavity"), SHARE_BINS),
        _bin(Cast(F("box__0") + F("box__2"), FloatField()) / (2 * width), CENTRE_CELLS),
        _bin(Cast(F("box__1") + F("box__3"), FloatField()) / (2 * height), CENTRE_CELLS),
    )
    statement, values = shapes.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH shape (size, concavity, size_bin, concavity_bin, centre_column, centre_row)"
            f" AS ({statement})"
            " SELECT GROUPING(size_bin, concavity_bin, centre_column, centre_row),"
            " size_bin, concavity_bin, centre_column, centre_row,"
            " COUNT(*), COUNT(concavity), AVG(size), AVG(concavity) FROM shape"
            " GROUP BY GROUPING SETS"
            " ((), (size_bin), (concavity_bin), (centre_column, centre_row))",
            values,
        )
        return list(cursor.fetchall())


def _bin(value: Any, num_bins: int) -> Case:
    """The bin, from 0, of a value from 0 to 1; 1 belongs to the last one, and nothing to none."""
    last = When(GreaterThanOrEqual(value, 1.0), then=num_bins - 1)
    return Case(last, default=Cast(Floor(value * num_bins), IntegerField()))


def _shares(counts: Counter[tuple[int, ...]]) -> tuple[Bin, ...]:
    return tuple(
        Bin(place / SHARE_BINS, (place + 1) / SHARE_BINS, counts[(place,)])
        for place in range(SHARE_BINS)
    )


def _per_image(per_image: Counter[int]) -> Distribution:
    num_images = per_image.total()
    num_masks = sum(masks * images for masks, images in per_image.items())
    bins = tuple(
        Bin(low, high, sum(per_image[n] for n in per_image if low <= n <= (high or n)))
        for low, high in MASKS_PER_IMAGE
    )
    return Distribution(num_images, num_masks / num_images if num_images else None, bins)
