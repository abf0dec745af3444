"""Saving masks: acknowledged is durable, a retry is free, nothing is overwritten silently.

Every save carries a `save_id`; its reply is kept as a receipt, so that the same save sent again gets the same
answer before any version is looked at. All saves of one mask queue behind one advisory lock. Work that arrives
after its lease was lost is kept as a draft and answered with 409. Only Postgres is needed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotator.errors import Invalid, NotInScope, StaleVersion, VersionMissing
from annotator.models import (
    Assignment,
    Image,
    Mask,
    MaskRevision,
    MaskState,
    ModelVersion,
    Person,
    SaveReceipt,
)
from annotator.queries.scope import NOTHING, find_own_assignment, require_manager, visible_projects
from annotator.services.assignments import keep_alive
from annotator.services.hints import send_hint
from annotator.services.timing import write_timings_safely
from common import rle


@dataclass(frozen=True)
class Precondition:
    """What the sender believes: the mask is new, or has this version. Neither is an error (428)."""

    is_new: bool = False
    version: int | None = None


@dataclass(frozen=True)
class MaskSave:
    """One save of a whole mask. `size` is [height, width] as the sender believes."""

    save_id: UUID
    mask_id: UUID
    image_id: UUID
    assignment_id: UUID | None
    state: MaskState
    size: tuple[int, int]
    counts: str
    order_index: int
    model_version_id: UUID | None = None
    predicted_iou: float | None = None
    prompts: tuple[dict[str, object], ...] = ()
    given_up: bool = False


@dataclass(frozen=True)
class SaveReply:
    """Status and body of the answer, as it was given the first time."""

    status: int
    body: dict[str, object]


@dataclass(frozen=True)
class _Content:
    """A checked raster: area in pixels, box x0 y0 x1 y1 half-open."""

    counts: str
    sha256: str
    area: int
    box: list[int]


@dataclass(frozen=True)
class _Checked:
    """A save whose every part was found and checked."""

    person: Person
    save: MaskSave
    image: Image
    assignment: Assignment | None
    content: _Content
    model: ModelVersion | None


def save_mask(*, person: Person, save: MaskSave, precondition: Precondition) -> SaveReply:
    """Creates or updates a mask.

    Raises `NotInScope` (image or mask of others), `Invalid` (RLE, fields), `VersionMissing`, `StaleVersion`.
    """
    fingerprint = _fingerprint(save)
    with transaction.atomic():
        _queue_up(save.mask_id)
        known = _receipt(person=person, save_id=save.save_id, fingerprint=fingerprint)
        if known is not None:
            return known
        image = _find_image_even_removed(person=person, image_id=save.image_id)
        content = _read_rle(save, image)
        mask = _find_mask(person=person, mask_id=save.mask_id, image=image)
        _check_precondition(mask, precondition)
        assignment = _find_assignment(person=person, save=save, image=image)
        model = _find_model(save.model_version_id)
        checked = _Checked(person, save, image, assignment, content, model)
        is_late = _is_late(checked)
        reply, kept = _keep_late(checked, mask) if is_late else _write(checked, mask)
        _give_receipt(kept, person, save.save_id, fingerprint, reply)
    if save.state == MaskState.ACCEPTED and not is_late:
        write_timings_safely(mask=kept)
        send_hint(project=image.project, kind="throughput")
    return reply


def delete_mask(
    *, person: Person, mask: Mask, save_id: UUID, precondition: Precondition
) -> SaveReply:
    """Takes a mask out of sight; `restore_mask` brings it back byte for byte."""
    return _turn(person, mask, save_id, precondition, is_deleting=True)


def restore_mask(
    *, person: Person, mask: Mask, save_id: UUID, precondition: Precondition
) -> SaveReply:
    """Undoes a deletion: the mask is what it was before, at a new version."""
    return _turn(person, mask, save_id, precondition, is_deleting=False)


# ---- the parts of a save -------------------------------------------------------------------------


def _queue_up(mask_id: UUID) -> None:
    """Saves of one mask go one after the other, also while its row does not exist yet."""
    key = int.from_bytes(mask_id.bytes[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _fingerprint(save: MaskSave) -> str:
    text = json.dumps([str(part) for part in vars(save).values()], ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _receipt(*, person: Person, save_id: UUID, fingerprint: str) -> SaveReply | None:
    receipt = SaveReceipt.objects.filter(save_id=save_id).first()
    if receipt is None:
        return None
    if receipt.author_id != person.id or receipt.request_sha256 != fingerprint:
        raise _reused(save_id)
    return SaveReply(receipt.status, receipt.reply)


def _give_receipt(
    mask: Mask, person: Person, save_id: UUID, fingerprint: str, reply: SaveReply
) -> None:
    receipt = SaveReceipt(
        save_id=save_id,
        mask=mask,
        author=person,
        request_sha256=fingerprint,
        status=reply.status,
        reply=reply.body,
    )
    try:
        with transaction.atomic():
            receipt.save(force_insert=True)
    except IntegrityError as error:  # a save of another mask took it a moment ago
        raise _reused(save_id) from error


def _reused(save_id: UUID) -> Invalid:
    text = f"save_id {save_id} was used for another save."
    return Invalid(text, code="save_id_reused", field="save_id")


def _find_image_even_removed(*, person: Person, image_id: UUID) -> Image:
    """A removed image or archived project never loses work."""
    image = (
        Image.objects.filter(id=image_id, project__in=visible_projects(person))
        .select_related("picture", "project")
        .first()
    )
    if image is None:
        raise NotInScope(NOTHING)
    return image


def _find_mask(*, person: Person, mask_id: UUID, image: Image) -> Mask | None:
    mask = Mask.objects.filter(id=mask_id).first()
    if mask is None:
        return None
    if mask.author_id not in {None, person.id}:
        raise NotInScope(NOTHING)
    if mask.image_id != image.id:
        raise Invalid("The mask belongs to another image.", code="other_image", field="image")
    return mask


def _find_assignment(*, person: Person, save: MaskSave, image: Image) -> Assignment | None:
    if save.assignment_id is None:
        require_manager(person=person, project=image.project)
        return None
    assignment = find_own_assignment(person=person, assignment_id=save.assignment_id)
    if assignment.image_id != image.id:
        text = "The assignment is about another image."
        raise Invalid(text, code="other_image", field="assignment")
    return assignment


def _find_model(model_version_id: UUID | None) -> ModelVersion | None:
    if model_version_id is None:
        return None
    model = ModelVersion.objects.filter(id=model_version_id).first()
    if model is None:
        text = f"There is no model version {model_version_id}."
        raise Invalid(text, code="unknown_model_version", field="model_version")
    return model


def _read_rle(save: MaskSave, image: Image) -> _Content:
    height, width = image.picture.height, image.picture.width
    if save.size != (height, width):
        text = f"size {list(save.size)} is not the image's [height, width] = {[height, width]}."
        raise Invalid(text, code="wrong_size", field="rle.size")
    try:
        runs = rle.parse_counts(
            save.counts,
            height=height,
            width=width,
            max_runs=min(height * width + 1, settings.MAX_RUNS_PER_MASK),
        )
    except rle.BadRle as error:
        raise Invalid(str(error), code=f"rle_{error.code}", field="rle.counts") from error
    area = rle.area(runs)
    if area == 0 and save.state == MaskState.ACCEPTED and not save.given_up:
        raise Invalid("An accepted mask has at least one pixel.", code="empty_mask", field="rle")
    box = list(rle.box(runs, height=height))
    return _Content(save.counts, rle.counts_sha256(save.counts), area, box)


def _check_precondition(mask: Mask | None, precondition: Precondition) -> None:
    if not precondition.is_new and precondition.version is None:
        text = 'Send If-None-Match: * for a new mask, or If-Match: "<version>".'
        raise VersionMissing(text)
    if precondition.is_new and mask is None:
        return
    if mask is None or precondition.is_new or precondition.version != mask.version:
        raise _stale(mask)


def _stale(mask: Mask | None) -> StaleVersion:
    current = None if mask is None else {"version": mask.version, "sha256": mask.counts_sha256}
    text = "The mask does not exist." if mask is None else f"The mask is at version {mask.version}."
    return StaleVersion(text, extra={"current": current})


def _is_late(checked: _Checked) -> bool:
    """Whether the image was removed, or lent to somebody else, before this save came."""
    if checked.image.deleted_at is not None:
        return True
    return checked.assignment is not None and not keep_alive(assignment=checked.assignment)


def _write(checked: _Checked, mask: Mask | None) -> tuple[SaveReply, Mask]:
    status, is_accepting = 200, checked.save.state == MaskState.ACCEPTED
    if mask is None:
        _check_number_of_masks(checked.image)
        mask = _new_mask(checked, checked.save.mask_id)
        status = 201
    if mask.author_id is None:
        _take_over(mask, checked.person)
        mask.accepted_at = None  # what counts from now on is when a person accepts it
    _fill(mask, checked)
    mask.state = checked.save.state
    mask.version += 1
    if is_accepting:
        mask.accepted_at = mask.accepted_at or timezone.now()
    mask.save()
    if is_accepting:
        _append_revision(mask)
    return SaveReply(status, _described(mask)), mask


def _keep_late(checked: _Checked, mask: Mask | None) -> tuple[SaveReply, Mask]:
    """The late work as a draft: in the draft's own row, else in a row beside the accepted mask."""
    if mask is None:
        mask = _new_mask(checked, checked.save.mask_id)
    elif mask.state != MaskState.DRAFT:
        mask = _new_mask(checked, uuid.uuid4())
    _fill(mask, checked)
    mask.state = MaskState.DRAFT
    mask.version += 1
    mask.save()
    error = {
        "code": "lease_lost" if checked.image.deleted_at is None else "image_removed",
        "message": "You no longer hold this image; your work is kept as a draft.",
        "field": None,
    }
    return SaveReply(409, {"error": error, "kept": True, "kept_mask": _described(mask)}), mask


def _new_mask(checked: _Checked, mask_id: UUID) -> Mask:
    return Mask(id=mask_id, image=checked.image, author=checked.person, version=0)


def _take_over(mask: Mask, person: Person) -> None:
    """An imported mask belongs to the first who works on it; only what that person accepts has a time."""
    mask.author = person
    mask.assignment = Assignment.objects.filter(image_id=mask.image_id, annotator=person).first()


def _fill(mask: Mask, checked: _Checked) -> None:
    save, content = checked.save, checked.content
    mask.assignment = checked.assignment
    mask.counts = content.counts
    mask.counts_sha256 = content.sha256
    mask.area = content.area
    mask.box = content.box
    mask.model_version = checked.model
    mask.predicted_iou = save.predicted_iou
    mask.prompts = list(save.prompts)
    mask.given_up = save.given_up
    mask.order_index = save.order_index


def _check_number_of_masks(image: Image) -> None:
    existing = Mask.objects.filter(image=image).exclude(state=MaskState.DELETED).count()
    if existing >= settings.MAX_MASKS_PER_IMAGE:
        text = f"An image has at most {settings.MAX_MASKS_PER_IMAGE} masks."
        raise Invalid(text, code="too_many_masks", field="image")


def _append_revision(mask: Mask) -> None:
    revision_of(mask).save(force_insert=True)


def revision_of(mask: Mask) -> MaskRevision:
    """The row of history for a mask as it is now, not saved yet."""
    return MaskRevision(
        mask=mask,
        version=mask.version,
        author_id=mask.author_id,
        state=mask.state,
        counts=mask.counts,
        counts_sha256=mask.counts_sha256,
        area=mask.area,
        box=mask.box,
        model_version_id=mask.model_version_id,
        predicted_iou=mask.predicted_iou,
        prompts=mask.prompts,
        given_up=mask.given_up,
    )


def _described(mask: Mask) -> dict[str, object]:
    return {
        "id": str(mask.id),
        "version": mask.version,
        "state": str(mask.state),
        "area": mask.area,
        "sha256": mask.counts_sha256,
        "image": str(mask.image_id),
        "order_index": mask.order_index,
    }


def _turn(
    person: Person, mask: Mask, save_id: UUID, precondition: Precondition, *, is_deleting: bool
) -> SaveReply:
    act = "delete" if is_deleting else "restore"
    fingerprint = hashlib.sha256(f"{act} {mask.id}".encode()).hexdigest()
    with transaction.atomic():
        _queue_up(mask.id)
        known = _receipt(person=person, save_id=save_id, fingerprint=fingerprint)
        if known is not None:
            return known
        mask = Mask.objects.select_related("assignment").get(id=mask.id)
        _check_precondition(mask, precondition)
        if mask.author_id is None:
            _take_over(mask, person)
        if mask.assignment is not None and not keep_alive(assignment=mask.assignment):
            error = {
                "code": "lease_lost",
                "message": "You no longer hold this image.",
                "field": None,
            }
            return SaveReply(409, {"error": error, "kept": False})
        if is_deleting != (mask.state == MaskState.DELETED):
            before = mask.version
            mask.version += 1
            mask.state = MaskState.DELETED if is_deleting else _state_before_deletion(mask, before)
            mask.save(update_fields=["state", "version", "updated_at", "author", "assignment"])
            _append_revision(mask)
        reply = SaveReply(200, _described(mask))
        _give_receipt(mask, person, save_id, fingerprint, reply)
    return reply


def _state_before_deletion(mask: Mask, deleted_version: int) -> MaskState:
    """Accepting always leaves a row of history at its version; a draft leaves none."""
    was_accepted = MaskRevision.objects.filter(
        mask=mask, version=deleted_version - 1, state=MaskState.ACCEPTED
    ).exists()
    return MaskState.ACCEPTED if was_accepted else MaskState.DRAFT
