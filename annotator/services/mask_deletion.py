"""Taking masks out of sight and bringing them back."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.db import transaction

from annotator.models import Mask, MaskRevision, MaskState, Person
from annotator.services.assignments import keep_alive
from annotator.services.mask_history import describe_saved, revision_of, take_over
from annotator.services.save_receipts import (
    Precondition,
    SaveReply,
    check_precondition,
    find_receipt,
    give_receipt,
    queue_up,
)


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


def _turn(
    person: Person, mask: Mask, save_id: UUID, precondition: Precondition, *, is_deleting: bool
) -> SaveReply:
    act = "delete" if is_deleting else "restore"
    fingerprint = hashlib.sha256(f"{act} {mask.id}".encode()).hexdigest()
    with transaction.atomic():
        queue_up(mask.id)
        known = find_receipt(person=person, save_id=save_id, fingerprint=fingerprint)
        if known is not None:
            return known
        mask = Mask.objects.select_related("assignment").get(id=mask.id)
        check_precondition(mask, precondition)
        if mask.author_id is None:
            take_over(mask, person)
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
            revision_of(mask).save(force_insert=True)
        reply = SaveReply(200, describe_saved(mask))
        give_receipt(mask, person, save_id, fingerprint, reply)
    return reply


def _state_before_deletion(mask: Mask, deleted_version: int) -> MaskState:
    """Accepting always leaves a row of history at its version; a draft leaves none."""
    was_accepted = MaskRevision.objects.filter(
        mask=mask, version=deleted_version - 1, state=MaskState.ACCEPTED
    ).exists()
    return MaskState.ACCEPTED if was_accepted else MaskState.DRAFT
