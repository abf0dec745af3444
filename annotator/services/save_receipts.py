"""What makes a write of a mask safe to repeat: one queue per mask, preconditions, and receipts.

Every write carries a `save_id`; its reply is kept as a receipt, so that the same write sent again gets the same
answer before any version is looked at. All writes of one mask queue behind one advisory lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from annotator.errors import Invalid, StaleVersion, VersionMissing
from annotator.models import Mask, Person, SaveReceipt


@dataclass(frozen=True)
class Precondition:
    """What the sender believes: the mask is new, or has this version. Neither is an error (428)."""

    is_new: bool = False
    version: int | None = None


@dataclass(frozen=True)
class SaveReply:
    """Status and body of the answer, as it was given the first time."""

    status: int
    body: dict[str, object]


def queue_up(mask_id: UUID) -> None:
    """Writes of one mask go one after the other, also while its row does not exist yet."""
    key = int.from_bytes(mask_id.bytes[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def find_receipt(*, person: Person, save_id: UUID, fingerprint: str) -> SaveReply | None:
    """The reply this write got before; `Invalid` when the id was used for another write."""
    receipt = SaveReceipt.objects.filter(save_id=save_id).first()
    if receipt is None:
        return None
    if receipt.author_id != person.id or receipt.request_sha256 != fingerprint:
        raise _reused(save_id)
    return SaveReply(receipt.status, receipt.reply)


def give_receipt(
    mask: Mask, person: Person, save_id: UUID, fingerprint: str, reply: SaveReply
) -> None:
    """Keeps the reply; `Invalid` when another write took the id a moment ago."""
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
    except IntegrityError as error:
        raise _reused(save_id) from error


def check_precondition(mask: Mask | None, precondition: Precondition) -> None:
    """Raises `VersionMissing` (nothing was said) or `StaleVersion` (something else is there)."""
    if not precondition.is_new and precondition.version is None:
        text = 'Send If-None-Match: * for a new mask, or If-Match: "<version>".'
        raise VersionMissing(text)
    if precondition.is_new and mask is None:
        return
    if mask is None or precondition.is_new or precondition.version != mask.version:
        raise stale(mask)


def stale(mask: Mask | None) -> StaleVersion:
    """The error for a writer who has not seen the mask as it is now."""
    current = None if mask is None else {"version": mask.version, "sha256": mask.counts_sha256}
    text = "The mask does not exist." if mask is None else f"The mask is at version {mask.version}."
    return StaleVersion(text, extra={"current": current})


def _reused(save_id: UUID) -> Invalid:
    text = f"save_id {save_id} was used for another save."
    return Invalid(text, code="save_id_reused", field="save_id")
