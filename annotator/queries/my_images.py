"""The images that a person worked on lately, and whether they may open them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, Sum

from annotator.models import Assignment, AssignmentState, Image, Mask, MaskTiming, Person
from annotator.queries.assignments import holders_besides, recent_assignments, with_image_state

ENDED = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
REFUSALS = {
    AssignmentState.LEASED: "Somebody else is working on it now.",
    AssignmentState.SUBMITTED: "Somebody else has handed it in.",
}


STATE_WORDS = {
    AssignmentState.LEASED: "Yours now",
    AssignmentState.SUBMITTED: "Submitted",
    AssignmentState.SKIPPED: "Skipped",
    AssignmentState.EXPIRED: "Your time ran out",
    AssignmentState.RETURNED: "Sent back by a reviewer",
}


@dataclass(frozen=True)
class MyImage:
    """`image` passed `with_state`; `active_s` is None where nothing was timed; `refusal` is why it cannot be opened."""

    assignment: Assignment
    image: Image
    worked_at: datetime
    active_s: float | None
    refusal: str

    @property
    def words(self) -> str:
        """How it stands, for its annotator."""
        return STATE_WORDS[AssignmentState(self.assignment.state)]

    @property
    def spent(self) -> str:
        """The active time in words, of an image that has one."""
        seconds = self.active_s or 0
        return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def my_images(
    person: Person, *, project_id: UUID | None = None, offset: int = 0, limit: int
) -> list[MyImage]:
    """Newest first; what was lent ahead and never looked at is left out. As many queries for many as for few."""
    own_masks = Mask.objects.filter(assignment=OuterRef("pk"))
    worked_on = ~Q(state=AssignmentState.LEASED, opened_at=None) | Q(Exists(own_masks))
    recent = recent_assignments(person, project_id=project_id).filter(worked_on)
    assignments = list(recent[offset : offset + limit])
    images = with_image_state(assignments)
    touched = _last_touched(assignments)
    spent = _active_seconds(assignments)
    holders = holders_besides(person.pk, assignments)
    return [
        MyImage(
            assignment=one,
            image=images[one.image_id],
            worked_at=_worked_at(one, touched.get(one.pk)),
            active_s=spent.get(one.pk),
            refusal=REFUSALS[holders[one.pk]] if one.pk in holders else "",
        )
        for one in assignments
    ]


def _worked_at(assignment: Assignment, touched: datetime | None) -> datetime:
    if assignment.state in ENDED and assignment.ended_at is not None:
        return assignment.ended_at
    return touched or assignment.opened_at or assignment.leased_at


def _last_touched(assignments: Sequence[Assignment]) -> dict[UUID, datetime]:
    masks = Mask.objects.filter(assignment__in=assignments).order_by().values("assignment")
    return dict(masks.values_list("assignment").annotate(newest=Max("updated_at")))


def _active_seconds(assignments: Sequence[Assignment]) -> dict[UUID, float]:
    timings = MaskTiming.objects.filter(
        mask__assignment__in=assignments, active_ms__isnull=False
    ).order_by()
    spent = timings.values_list("mask__assignment").annotate(total=Sum("active_ms"))
    return {assignment: total / 1000 for assignment, total in spent}
