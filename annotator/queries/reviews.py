"""What reviewers decided, and what waits for them.

A decision is about pixels: it holds as long as the mask has the pixels that the reviewer saw, whatever its version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotator.models import (
    Assignment,
    AssignmentState,
    Mask,
    MaskState,
    Project,
    Review,
    ReviewOutcome,
)
from annotator.models.masks import ACCEPTED
from annotator.queries.masks import masks_of_kind

UNREVIEWED = "unreviewed"
REVIEW_STATES = (UNREVIEWED, *ReviewOutcome.values)


@dataclass(frozen=True)
class QueueFilter:
    """Which masks a reviewer wants to see; None is any."""

    state: str | None = UNREVIEWED  # one of REVIEW_STATES
    author: UUID | None = None
    image: UUID | None = None
    audit: UUID | None = None  # of an audit's masks those that it has not decided on


def in_state(masks: QuerySet[Mask], state: str) -> QuerySet[Mask]:
    """Those of the masks that are in one of REVIEW_STATES: by the newest decision about their pixels."""
    if state == UNREVIEWED:
        return masks.filter(~Exists(_about_these_pixels()))
    return masks.filter(_stands(state))


def reviewed(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    """Those of the masks about whose pixels there is a decision, whatever it was."""
    return masks.filter(Exists(_about_these_pixels()))


def without_rejected(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    """The masks but for those whose pixels were rejected."""
    return masks.filter(~_stands(ReviewOutcome.REJECTED))


def _stands(outcome: str) -> Exists:
    """A condition on masks: the newest decision about their pixels is this one.

    Written without a sorted subquery, so that PostgreSQL can join instead of asking mask by mask.
    """
    return Exists(_about_these_pixels().filter(~Exists(_later()), outcome=outcome))


def _later() -> QuerySet[Review]:
    """Decisions about the pixels of the outer one after it."""
    return Review.objects.filter(
        mask_id=OuterRef("mask_id"),
        counts_sha256=OuterRef("counts_sha256"),
        id__gt=OuterRef("id"),
    )


def _about_these_pixels() -> QuerySet[Review]:
    """Decisions about the very pixels that the outer mask has now."""
    return Review.objects.filter(mask_id=OuterRef("pk"), counts_sha256=OuterRef("counts_sha256"))


def reviewable_masks(project: Project) -> QuerySet[Mask]:
    """Accepted masks of images that nobody has open and their author has handed in."""
    unfinished = Assignment.objects.filter(
        Q(state=AssignmentState.LEASED)
        | Q(state=AssignmentState.EXPIRED, annotator_id=OuterRef("author_id")),
        image_id=OuterRef("image_id"),
    )
    return masks_of_kind(project, ACCEPTED).filter(~Exists(unfinished))


def review_queue(project: Project, wanted: QueueFilter) -> QuerySet[Mask]:
    """The masks a reviewer asked for, image by image in the project's order."""
    masks = reviewable_masks(project)
    if wanted.state is not None:
        masks = in_state(masks, wanted.state)
    if wanted.author is not None:
        masks = masks.filter(author_id=wanted.author)
    if wanted.image is not None:
        masks = masks.filter(image_id=wanted.image)
    if wanted.audit is not None:
        masks = masks.filter(audited__audit_id=wanted.audit, audited__review=None)
    return masks.select_related("image", "author").order_by(
        "image__order_index", "image_id", "order_index", "id"
    )


def counts_by_state(project: Project) -> dict[str, int]:
    """How many masks of the project stand where, for each of REVIEW_STATES."""
    masks = reviewable_masks(project).order_by()
    newest = Review.objects.filter(
        ~Exists(_later()), mask__in=masks, counts_sha256=F("mask__counts_sha256")
    )
    found = dict(newest.values_list("outcome").annotate(num=Count("pk")).order_by())
    decided = dict.fromkeys(ReviewOutcome.values, 0) | found
    return {UNREVIEWED: masks.count() - sum(decided.values()), **decided}


def authors_to_review(project: Project) -> list[tuple[UUID, str]]:
    """(id, name) of everybody who has masks to review, by name."""
    rows = reviewable_masks(project).filter(author__isnull=False).order_by()
    names = rows.values_list("author_id", "author__display_name").distinct()
    return sorted(names, key=lambda row: row[1])


def current_reviews(masks: Iterable[Mask]) -> dict[UUID, Review]:
    """The newest decision about the pixels of each mask, by mask; one query."""
    found = (
        Review.objects.filter(
            mask__in=[mask.pk for mask in masks], counts_sha256=F("mask__counts_sha256")
        )
        .order_by("mask_id", "-id")
        .distinct("mask_id")
    )
    return {review.mask_id: review for review in found}


def reviews_of(mask: Mask) -> QuerySet[Review]:
    """All decisions about a mask, newest first."""
    return Review.objects.filter(mask=mask).select_related("reviewer").order_by("-id")


def is_rejected(mask: Mask) -> bool:
    """Whether the pixels the mask has now were rejected."""
    review = current_reviews([mask]).get(mask.pk)
    return review is not None and review.outcome == ReviewOutcome.REJECTED


def has_rejected(*, image_id: UUID, author_id: UUID) -> bool:
    """Whether an annotator has rejected masks in an image."""
    masks = Mask.objects.filter(
        author_id=author_id, image_id=image_id, state=MaskState.ACCEPTED, given_up=False
    )
    return in_state(masks, ReviewOutcome.REJECTED).exists()
