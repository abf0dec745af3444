"""Reviewing masks: every decision is a row that stays; what counts follows from the rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    Mask,
    MaskRevision,
    MaskState,
    Person,
    RejectReason,
    Review,
    ReviewOutcome,
)
from annotator.queries.reviews import has_rejected, is_rejected
from annotator.services.assignments import return_to_annotator, withdraw_return
from annotator.services.hints import send_hint
from annotator.services.mask_audits import follow_decision
from annotator.services.mask_history import stored_iou
from annotator.services.save_receipts import queue_up, stale
from annotator.services.webhook_events import tell_of_review

MAX_PINS = 20


class Pin(TypedDict):
    """A remark at a place of the picture, in image pixels."""

    x: float
    y: float
    note: str


@dataclass(frozen=True)
class Decision:
    """What a reviewer decides on sight: `ACCEPTED`, or `REJECTED` with a reason."""

    decision_id: UUID
    version: int  # that the reviewer saw
    outcome: ReviewOutcome
    reason: RejectReason | None = None
    note: str = ""
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class Decided:
    """The row of a decision; `returned` when the image waits in its annotator's queue again."""

    review: Review
    is_new: bool
    returned: bool = False


def decide(*, mask: Mask, decision: Decision, by: Person) -> Decided:
    """Writes a decision down; a rejected mask goes back to its annotator. Sent again it changes nothing.

    Raises `StaleVersion` (the mask changed since), `Conflict` (it is not accepted), `Invalid`.
    """
    with transaction.atomic():
        queue_up(mask.id)
        known = Review.objects.filter(decision_id=decision.decision_id).first()
        if known is not None:
            return _known(known, mask, decision, by)
        mask = Mask.objects.select_related("image__project", "image__picture", "author").get(
            id=mask.id
        )
        _check(mask, decision)
        was_rejected = is_rejected(mask)
        review = _written(mask, decision, by)
        follow_decision(mask=mask, review=review)
        tell_of_review(review, mask=mask, by=by)
        returned = _send_on(mask, review, was_rejected=was_rejected)
    send_hint(project=mask.image.project, kind="images")
    return Decided(review, is_new=True, returned=returned)


def record_fix(*, mask: Mask, before: MaskRevision, by: Person) -> Review | None:
    """Inside the save of a correction: the row that tells of it; None when no pixel changed."""
    if before.counts_sha256 == mask.counts_sha256:
        return None
    review = Review.objects.create(
        decision_id=uuid.uuid4(),
        mask=mask,
        version=mask.version,
        counts_sha256=mask.counts_sha256,
        outcome=ReviewOutcome.FIXED,
        fixed_version=before.version,
        iou=stored_iou(before.counts, mask.counts, picture=mask.image.picture),
        reviewer=by,
    )
    follow_decision(mask=mask, review=review)
    tell_of_review(review, mask=mask, by=by)
    _end_return_when_done(mask)
    return review


def _known(review: Review, mask: Mask, decision: Decision, by: Person) -> Decided:
    is_same = (
        review.mask_id == mask.id
        and review.reviewer_id == by.id
        and (review.outcome, review.version) == (decision.outcome, decision.version)
    )
    if not is_same:
        raise _reused(decision)
    return Decided(review, is_new=False)


def _check(mask: Mask, decision: Decision) -> None:
    if mask.state != MaskState.ACCEPTED or mask.given_up:
        raise Conflict("Only an accepted mask can be reviewed.", code="not_accepted")
    if mask.version != decision.version:
        raise stale(mask)
    is_rejecting = decision.outcome == ReviewOutcome.REJECTED
    if is_rejecting != (decision.reason is not None):
        text = "A rejection has a reason, and nothing else has."
        raise Invalid(text, code="bad_reason", field="reason")
    width, height = mask.image.picture.width, mask.image.picture.height
    if not all(0 <= pin["x"] <= width and 0 <= pin["y"] <= height for pin in decision.pins):
        raise Invalid("A pin lies outside of the image.", code="outside", field="pins")


def _written(mask: Mask, decision: Decision, by: Person) -> Review:
    review = Review(
        decision_id=decision.decision_id,
        mask=mask,
        version=mask.version,
        counts_sha256=mask.counts_sha256,
        outcome=decision.outcome,
        reason=decision.reason or "",
        note=decision.note,
        pins=list(decision.pins),
        reviewer=by,
    )
    try:
        with transaction.atomic():
            review.save(force_insert=True)
    except IntegrityError as error:  # a decision about another mask took the id a moment ago
        raise _reused(decision) from error
    return review


def _send_on(mask: Mask, review: Review, *, was_rejected: bool) -> bool:
    """Back to the annotator when rejected; whether the image waits there now."""
    if review.outcome == ReviewOutcome.REJECTED:
        return mask.author is not None and return_to_annotator(
            image=mask.image, annotator=mask.author
        )
    if was_rejected:  # it counts as new for the next round
        Mask.objects.filter(id=mask.id).update(updated_at=timezone.now())
    _end_return_when_done(mask)
    return False


def _end_return_when_done(mask: Mask) -> None:
    author_id = mask.author_id
    if author_id is not None and not has_rejected(image_id=mask.image_id, author_id=author_id):
        withdraw_return(image_id=mask.image_id, annotator_id=author_id)


def _reused(decision: Decision) -> Invalid:
    text = f"decision_id {decision.decision_id} was used for another decision."
    return Invalid(text, code="decision_id_reused", field="decision_id")
