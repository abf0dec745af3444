"""How good masks are by what reviewers said of them, and what could help whom. Every number is a query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, Count, Min, Q, QuerySet
from django.utils import timezone

from annotator.models import MaskOrigin, Person, Project, Review, ReviewOutcome
from annotator.queries.throughput.period import period_of
from annotator.queries.throughput.work import work

FEW_REVIEWS = 10  # a share of fewer says little


@dataclass(frozen=True)
class PersonQuality:
    """One annotator: `share` of masks that reviewers accepted as they first saw them; None without reviews."""

    person: UUID
    name: str
    num_masks: int
    num_reviewed: int
    num_accepted: int
    median_seconds: float | None
    common_reason: str  # of rejections, "" without any
    fix_iou: float | None  # mean IoU of masks before and after a reviewer fixed them

    @property
    def share(self) -> float | None:
        return self.num_accepted / self.num_reviewed if self.num_reviewed else None

    @property
    def is_sure(self) -> bool:
        return self.num_reviewed >= FEW_REVIEWS


@dataclass(frozen=True)
class ReviewTotals:
    """First decisions about masks, and why masks were rejected, most often first."""

    num_reviewed: int
    outcomes: dict[str, int]
    reasons: list[tuple[str, int]]


def review_totals(project: Project) -> ReviewTotals:
    outcomes = dict(
        first_reviews(project).values_list("outcome").annotate(num=Count("pk")).order_by()
    )
    reasons = (
        Review.objects.filter(mask__image__project=project, outcome=ReviewOutcome.REJECTED)
        .values_list("reason")
        .annotate(num=Count("pk"))
        .order_by("-num", "reason")
    )
    whole = dict.fromkeys(ReviewOutcome.values, 0) | outcomes
    return ReviewTotals(sum(whole.values()), whole, list(reasons))


def people_quality(project: Project) -> list[PersonQuality]:
    """Everybody with accepted masks, by name: nobody is ranked."""
    made = work(project=project, period=period_of("all", now=timezone.now())).by_person
    people = Person.objects.filter(id__in=made).order_by("display_name", "id")
    accepted = Count("pk", filter=Q(outcome=ReviewOutcome.ACCEPTED))
    firsts = first_reviews(project).filter(mask__origin=MaskOrigin.ANNOTATED).order_by()
    reviewed = {
        author: (num, num_accepted)
        for author, num, num_accepted in firsts.values("mask__author")
        .annotate(num=Count("pk"), accepted=accepted)
        .values_list("mask__author", "num", "accepted")
    }
    reasons = _common_reasons(project)
    fixes = Review.objects.filter(mask__image__project=project, outcome=ReviewOutcome.FIXED)
    fix_ious = dict(fixes.values_list("mask__author").annotate(mean=Avg("iou")).order_by())
    return [
        PersonQuality(
            person=one.id,
            name=one.display_name,
            num_masks=made[one.id].masks,
            num_reviewed=reviewed.get(one.id, (0, 0))[0],
            num_accepted=reviewed.get(one.id, (0, 0))[1],
            median_seconds=made[one.id].seconds_per_mask.median,
            common_reason=reasons.get(one.id, ""),
            fix_iou=fix_ious.get(one.id),
        )
        for one in people
    ]


def first_reviews(project: Project) -> QuerySet[Review]:
    """The first decision about each mask of the project: what its annotator's work was worth at first sight."""
    about = Review.objects.filter(mask__image__project=project, mask__image__deleted_at=None)
    firsts = about.order_by().values("mask").annotate(first=Min("id")).values("first")
    return Review.objects.filter(id__in=firsts)


def _common_reasons(project: Project) -> dict[UUID, str]:
    rows = (
        Review.objects.filter(mask__image__project=project, outcome=ReviewOutcome.REJECTED)
        .exclude(mask__author=None)
        .values_list("mask__author", "reason")
        .annotate(num=Count("pk"))
        .order_by("-num", "reason")
    )
    found: dict[UUID, str] = {}
    for author, reason, _ in rows:
        found.setdefault(author, reason)
    return found
