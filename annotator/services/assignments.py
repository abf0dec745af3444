"""Assignments: lending images to annotators, and taking them back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from annotator.errors import Conflict
from annotator.models import (
    Assignment,
    AssignmentState,
    Image,
    ModelVersion,
    Person,
    Project,
    SkipReason,
)
from annotator.queries.assignments import holders_besides
from annotator.queries.image_copies import copies_of
from annotator.queries.images import takeable_images
from annotator.queries.model_versions import current_model_version
from annotator.queries.scope import visible_projects
from annotator.services.hints import send_hint
from annotator.services.image_copies import copy_to_lend, lends_copies, practice_to_lend
from annotator.services.webhook_events import tell_of_assignment

MAX_AHEAD = 3
ATTEMPTS = 4


def lease_next(
    *, person: Person, project: Project, ahead: int = 0, practice: bool = False
) -> list[Assignment]:
    """The person's open assignments, oldest first, filled up to 1 + `ahead` with newly lent images.

    Calling again gives the same ones first. An empty list: nothing is left to lend now. With `practice` the images
    are those of the practice set, else none is.
    """
    model = current_model_version()
    with transaction.atomic():
        # One call at a time per person: two tabs get the same leases, not twice as many.
        Person.objects.select_for_update(no_key=True).get(id=person.id)
        _expire(Assignment.objects.filter(annotator=person))
        leases = _open_leases(person, project, practice=practice)
        opened = list(leases.select_for_update(of=("self",)))
        _extend(opened)
        _move_unopened_to(model, opened)
        wanted = 1 + min(ahead, MAX_AHEAD) - len(opened)
        opened += _lend(person, project, model, wanted=wanted, practice=practice)
        if opened and opened[0].opened_at is None:
            opened[0].opened_at = timezone.now()
            opened[0].save(update_fields=["opened_at"])
    return opened


def renew(*, assignment: Assignment) -> Assignment:
    """Extends a lease; one that expired is given back if nobody else took the image. Else `Conflict`."""
    with transaction.atomic():
        assignment = _locked(assignment)
        _revive(assignment)
    return assignment


def submit(*, assignment: Assignment) -> Assignment:
    """Ends an assignment as done; a second call changes nothing."""
    return _end(assignment, AssignmentState.SUBMITTED)


def skip(*, assignment: Assignment, reason: SkipReason, note: str = "") -> Assignment:
    """Ends an assignment undone, with a reason; a second call changes nothing."""
    return _end(assignment, AssignmentState.SKIPPED, reason=reason, note=note)


def reopen(*, assignment: Assignment) -> Assignment:
    """Takes a submitted or skipped assignment up again, for another lease."""
    with transaction.atomic():
        assignment = _locked(assignment)
        if assignment.state in {AssignmentState.SUBMITTED, AssignmentState.SKIPPED}:
            _check_free(assignment)
            _lease(assignment)
        else:
            _revive(assignment)
    send_hint(project=assignment.image.project, kind="images")
    return assignment


def return_to_annotator(*, image: Image, annotator: Person) -> bool:
    """Inside a transaction: puts an image that was handed in back into its annotator's queue.

    False when nobody would find it there: they never had it, or do not belong to the project any more.
    """
    belongs = visible_projects(annotator).filter(id=image.project_id).exists()
    assignment = (
        Assignment.objects.select_for_update(of=("self",))
        .filter(image=image, annotator=annotator)
        .first()
    )
    if assignment is None or not belongs or not annotator.is_active:
        return False
    if assignment.state in {AssignmentState.SUBMITTED, AssignmentState.SKIPPED}:
        assignment.state = AssignmentState.RETURNED
        assignment.skip_reason = assignment.skip_note = ""
        assignment.save()
    return True


def withdraw_return(*, image_id: UUID, annotator_id: UUID) -> None:
    """Nothing is left to do in an image that was returned and not taken up yet: it is handed in again."""
    Assignment.objects.filter(
        image_id=image_id, annotator_id=annotator_id, state=AssignmentState.RETURNED
    ).update(state=AssignmentState.SUBMITTED)


def expire_leases() -> int:
    """Releases every lease whose time is over; called by the tick."""
    return _expire(Assignment.objects.all())


def release_leases(*, person: Person, project: Project | None = None) -> int:
    """Ends the leases of somebody who is shut out, of one project or all; others may take the images at once."""
    held = Assignment.objects.filter(annotator=person, state=AssignmentState.LEASED)
    if project is not None:
        held = held.filter(Q(image__project=project) | Q(image__project__copies_of=project))
    return held.update(state=AssignmentState.EXPIRED, ended_at=timezone.now())


def keep_alive(*, assignment: Assignment) -> bool:
    """Inside a transaction: whether the holder still has the image, its lease extended; False when lost.

    An expired lease of which nobody else took the image is taken up again: a long break costs nothing.
    """
    if assignment.state == AssignmentState.LEASED and _has_half_left(assignment):
        return True
    locked = _locked(assignment)
    try:
        with transaction.atomic():
            _revive(locked)
    except Conflict:
        return False
    return True


def _has_half_left(assignment: Assignment) -> bool:
    half = timedelta(seconds=settings.LEASE_SECONDS / 2)
    return assignment.expires_at - timezone.now() > half


def _open_leases(person: Person, project: Project, *, practice: bool) -> QuerySet[Assignment]:
    """Of the project's images and of copies; with `practice` only of copies to practise on."""
    of_copies = Q(image__in=copies_of(project, person, practice=practice))
    return (
        Assignment.objects.filter(
            of_copies if practice else of_copies | Q(image__project=project),
            annotator=person,
            image__deleted_at=None,
            state=AssignmentState.LEASED,
        )
        .select_related("image__picture", "image__project", "model_version")
        .order_by("leased_at", "image__order_index", "id")
    )


def _expire(assignments: QuerySet[Assignment]) -> int:
    now = timezone.now()
    overdue = assignments.filter(state=AssignmentState.LEASED, expires_at__lte=now)
    return overdue.update(state=AssignmentState.EXPIRED, ended_at=now)


def _extend(leases: list[Assignment]) -> None:
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    for lease in leases:
        lease.expires_at = until
    Assignment.objects.bulk_update(leases, ["expires_at"])


def _move_unopened_to(model: ModelVersion | None, leases: list[Assignment]) -> None:
    """Images lent ahead but never opened follow a promotion, once their embedding is there."""
    behind = [lease for lease in leases if lease.opened_at is None and lease.model_version != model]
    if not behind or model is None:
        return
    same_encoder = [
        lease
        for lease in behind
        if lease.model_version is not None
        and lease.model_version.encoder_fingerprint == model.encoder_fingerprint
    ]
    for lease in same_encoder:
        lease.model_version = model
    Assignment.objects.bulk_update(same_encoder, ["model_version"])


def _lend(
    person: Person, project: Project, model: ModelVersion | None, *, wanted: int, practice: bool
) -> list[Assignment]:
    lent: list[Assignment] = []
    for _ in range(ATTEMPTS + wanted):
        if len(lent) >= wanted:
            break
        if practice:
            copy = practice_to_lend(person=person, project=project, model=model)
            found = [copy] if copy else []
        else:
            found = _free_images(person, project, model, most=wanted - len(lent))
        lent += [lease for image in found if (lease := _try_lease(image, person, model))]
        if not found:
            break
    return lent


def _free_images(
    person: Person, project: Project, model: ModelVersion | None, *, most: int
) -> list[Image]:
    """The next images for this person; one at a time where some are copies, since each image counts for the next."""
    copy = copy_to_lend(person=person, project=project, model=model)
    if copy is not None:
        return [copy]
    free = takeable_images(
        Image.objects.filter(project=project).select_related("picture", "project"),
        person_id=person.id,
        model=model,
    )
    most = 1 if lends_copies(project) else most
    return list(free.select_for_update(skip_locked=True, of=("self",))[:most])


def _try_lease(image: Image, person: Person, model: ModelVersion | None) -> Assignment | None:
    """None when another transaction lent the image between our look and our lock."""
    mine = Assignment.objects.filter(image=image, annotator=person).first()
    assignment = mine or Assignment(image=image, annotator=person)
    assignment.image = image
    assignment.model_version = model
    assignment.opened_at = None
    try:
        with transaction.atomic():
            _lease(assignment)
    except IntegrityError:
        return None
    return assignment


def _lease(assignment: Assignment) -> None:
    now = timezone.now()
    assignment.state = AssignmentState.LEASED
    assignment.leased_at = now
    assignment.expires_at = now + timedelta(seconds=settings.LEASE_SECONDS)
    assignment.ended_at = None
    assignment.skip_reason = ""
    assignment.skip_note = ""
    assignment.save()


def _locked(assignment: Assignment) -> Assignment:
    return (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("image__picture", "image__project", "model_version")
        .get(id=assignment.id)
    )


def _revive(assignment: Assignment) -> None:
    if assignment.state == AssignmentState.LEASED:
        _extend([assignment])
        return
    if assignment.state not in {AssignmentState.EXPIRED, AssignmentState.RETURNED}:
        raise Conflict(f"The assignment is {assignment.state}.", code="assignment_ended")
    _check_free(assignment)
    try:
        with transaction.atomic():
            _lease(assignment)
    except IntegrityError as error:
        raise _lost() from error


def _check_free(assignment: Assignment) -> None:
    if holders_besides(assignment.annotator_id, [assignment]):
        raise _lost()


def _lost() -> Conflict:
    return Conflict("Somebody else has the image now.", code="lease_lost")


def _end(
    assignment: Assignment,
    state: AssignmentState,
    *,
    reason: SkipReason | None = None,
    note: str = "",
) -> Assignment:
    with transaction.atomic():
        assignment = _locked(assignment)
        if assignment.state == state:
            return assignment
        _revive(assignment)
        assignment.state = state
        assignment.ended_at = timezone.now()
        assignment.skip_reason = reason or ""
        assignment.skip_note = note
        assignment.save()
        tell_of_assignment(assignment)
    send_hint(project=assignment.image.project, kind="images")
    return assignment
