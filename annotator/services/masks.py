"""Saving masks: acknowledged is durable, a retry is free, nothing is overwritten silently.

Receipts and preconditions are in `save_receipts`. Work that arrives after its lease was lost is kept as a draft
and answered with 409. A manager who saves without an assignment corrects: the mask stays its author's, and the
correction is a review of it. Only Postgres is needed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.errors import Invalid, NotInScope
from annotator.models import Assignment, Image, Mask, MaskState, ModelVersion, Person
from annotator.queries.scope import (
    NOTHING,
    find_own_assignment,
    manages,
    reachable_projects,
    require_manager,
)
from annotator.services.assignments import keep_alive
from annotator.services.hints import send_hint
from annotator.services.mask_history import describe_saved, last_accepted, revision_of, take_over
from annotator.services.reviews import record_fix
from annotator.services.save_receipts import (
    Precondition,
    SaveReply,
    check_precondition,
    find_receipt,
    give_receipt,
    queue_up,
)
from annotator.services.timing import write_timings_safely
from annotator.services.webhook_events import tell_of_mask
from common import rle


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
    parent_id: UUID | None = None


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
    if save.parent_id == save.mask_id:
        raise Invalid("No mask is a part of itself.", code="own_parent", field="parent")
    fingerprint = _fingerprint(save)
    with transaction.atomic():
        queue_up(save.mask_id)
        known = find_receipt(person=person, save_id=save.save_id, fingerprint=fingerprint)
        if known is not None:
            return known
        image = _find_image_even_removed(person=person, image_id=save.image_id)
        content = _read_rle(save, image)
        mask = _find_mask(person=person, save=save, image=image)
        check_precondition(mask, precondition)
        assignment = _find_assignment(person=person, save=save, image=image)
        model = _find_model(save.model_version_id)
        checked = _Checked(person, save, image, assignment, content, model)
        is_late = _is_late(checked)
        reply, kept = _keep_late(checked, mask) if is_late else _write(checked, mask)
        give_receipt(kept, person, save.save_id, fingerprint, reply)
    if save.state == MaskState.ACCEPTED and not is_late:
        write_timings_safely(mask=kept)
        send_hint(project=image.project, kind="throughput")
    return reply


# ---- the parts of a save -------------------------------------------------------------------------


def _fingerprint(save: MaskSave) -> str:
    parts = {**vars(save)}
    if save.parent_id is None:
        del parts["parent_id"]  # receipts from before there were parents still answer
    text = json.dumps([str(part) for part in parts.values()], ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _find_image_even_removed(*, person: Person, image_id: UUID) -> Image:
    """A removed image or archived project never loses work."""
    image = (
        Image.objects.filter(id=image_id, project__in=reachable_projects(person))
        .select_related("picture", "project")
        .first()
    )
    if image is None:
        raise NotInScope(NOTHING)
    return image


def _find_mask(*, person: Person, save: MaskSave, image: Image) -> Mask | None:
    """The person's own mask, or, without an assignment, any of a project that the person manages."""
    mask = Mask.objects.filter(id=save.mask_id).first()
    if mask is None:
        return None
    if mask.author_id not in {None, person.id}:
        corrects = save.assignment_id is None and manages(person=person, project=image.project)
        if not corrects:
            raise NotInScope(NOTHING)
    if mask.image_id != image.id:
        raise Invalid("The mask belongs to another image.", code="other_image", field="image")
    mask.image = image  # its project and picture are read already
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
    before = last_accepted(mask) if _is_correction(checked, mask) else None
    if mask.author_id is None:
        take_over(mask, checked.person)
        mask.accepted_at = None  # what counts from now on is when a person accepts it
    _fill(mask, checked)
    mask.state = checked.save.state
    mask.version += 1
    if is_accepting:
        mask.accepted_at = mask.accepted_at or timezone.now()
    mask.save()
    if is_accepting:
        revision_of(mask, by=checked.person).save(force_insert=True)
        tell_of_mask(mask, by=checked.person)
    if is_accepting and before is not None:
        record_fix(mask=mask, before=before, by=checked.person)
    return SaveReply(status, describe_saved(mask)), mask


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
    return SaveReply(409, {"error": error, "kept": True, "kept_mask": describe_saved(mask)}), mask


def _is_correction(checked: _Checked, mask: Mask) -> bool:
    return checked.assignment is None and mask.author_id != checked.person.id


def _new_mask(checked: _Checked, mask_id: UUID) -> Mask:
    return Mask(id=mask_id, image=checked.image, author=checked.person, version=0)


def _fill(mask: Mask, checked: _Checked) -> None:
    save, content = checked.save, checked.content
    if mask.author_id == checked.person.id:
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
    mask.parent_id = save.parent_id


def _check_number_of_masks(image: Image) -> None:
    existing = Mask.objects.filter(image=image).exclude(state=MaskState.DELETED).count()
    if existing >= settings.MAX_MASKS_PER_IMAGE:
        text = f"An image has at most {settings.MAX_MASKS_PER_IMAGE} masks."
        raise Invalid(text, code="too_many_masks", field="image")
