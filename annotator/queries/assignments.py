"""Assignments as pages read them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from annotator.models import Assignment, AssignmentState, CopyPurpose, Image, Person
from annotator.queries.images import with_state
from annotator.queries.model_versions import current_model_version
from annotator.queries.scope import reachable_projects


def recent_assignments(
    person: Person, *, project_id: UUID | None = None, practice: bool = False
) -> QuerySet[Assignment]:
    """The person's assignments in projects they still belong to, newest first; removed images left out.

    Copies of a project's images are among that project's. Practice stands apart: only that, or none of it.
    """
    practised = Q(image__copied_from__purpose=CopyPurpose.PRACTICE)
    projects = reachable_projects(person)
    if project_id is not None:
        projects = projects.filter(Q(pk=project_id) | Q(copies_of=project_id))
    return (
        Assignment.objects.filter(
            practised if practice else ~practised,
            annotator=person,
            image__project__in=projects,
            image__deleted_at=None,
        )
        .select_related("model_version")
        .order_by("-leased_at", "-id")
    )


def holders_besides(
    person_id: UUID, assignments: Sequence[Assignment]
) -> dict[UUID, AssignmentState]:
    """By assignment of the person: what somebody else's says that keeps them from taking the image up again.

    Whoever got an image back from a reviewer has it before those who handed it in.
    """
    keeping = (AssignmentState.LEASED, AssignmentState.SUBMITTED)
    others = Assignment.objects.filter(
        image__in=[one.image_id for one in assignments], state__in=keeping
    ).exclude(annotator_id=person_id)
    states: dict[UUID, set[str]] = {}
    for image_id, state in others.values_list("image_id", "state"):
        states.setdefault(image_id, set()).add(state)
    found: dict[UUID, AssignmentState] = {}
    for one in assignments:
        taken = states.get(one.image_id, set())
        if AssignmentState.LEASED in taken:
            found[one.pk] = AssignmentState.LEASED
        elif taken and one.state != AssignmentState.RETURNED:
            found[one.pk] = AssignmentState.SUBMITTED
    return found


def with_image_state(assignments: Sequence[Assignment]) -> dict[UUID, Image]:
    """The images of the assignments by id, as `with_state` finds them for the current model."""
    ids = [assignment.image_id for assignment in assignments]
    images = Image.objects.filter(id__in=ids).select_related("picture")
    return {image.id: image for image in with_state(images, model=current_model_version())}
