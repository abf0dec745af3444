"""Which masks a model was trained on, and leaving one out of what comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

from django.db import transaction

from annotator.models import Mask, Person, Round
from annotator.services.audit import record_act
from annotator.services.stores import file_storage
from common.snapshots import read_snapshot


def set_withdrawn(*, mask: Mask, is_withdrawn: bool, reason: str, by: Person) -> Mask:
    """Withdraws a mask from later rounds, or takes that back, which makes it count as new.

    Models that have learnt from it stay as they are: `training_masks` names them.
    """
    with transaction.atomic():
        mask = Mask.objects.select_for_update().select_related("image__project").get(id=mask.id)
        if mask.is_withdrawn == is_withdrawn:
            return mask
        mask.is_withdrawn = is_withdrawn
        mask.save(
            update_fields=["is_withdrawn"] if is_withdrawn else ["is_withdrawn", "updated_at"]
        )
        record_act(
            person=by,
            project=mask.image.project,
            act="mask.withdrawn" if is_withdrawn else "mask.reinstated",
            subject=str(mask.id),
            detail={"version": mask.version, "reason": reason},
        )
    return mask


async def training_masks(rounds: Sequence[Round]) -> AsyncIterator[bytes]:
    """A JSON line for each mask at the version that each round trained on, round by round."""
    for one in rounds:
        yield await asyncio.to_thread(_lines, one)


def _lines(one: Round) -> bytes:
    told = {"round": one.number, "project": str(one.project_id)}
    masks = read_snapshot(file_storage().read_bytes(one.snapshot_key))
    entries = (
        {**told, "mask": mask.mask_id, "version": mask.version, "image_sha256": mask.image_sha256}
        for mask in masks
        if mask.split == "train"
    )
    return "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
