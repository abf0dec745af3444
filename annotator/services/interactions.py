"""The interaction log: batches from pages, stored once by id, bad ones flagged, never refused whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from annotator.models import Assignment, Interaction, Mask, MaskState, Person
from annotator.services.hints import send_hint
from annotator.services.timing import write_timings_safely

KINDS = frozenset(
    {
        "open",
        "point",
        "point_moved",
        "point_removed",
        "box",
        "candidate",
        "stroke",
        "undo",
        "redo",
        "clear",
        "accept",
        "delete",
        "decode",
        "hidden",
        "visible",
        "idle",
        "active",
        "submit",
        "skip",
        "give_up",
    }
)
MAX_BATCH = 1000
MAX_DETAIL_CHARACTERS = 200_000
MAX_AT_MS = 1e10
MAX_SEQUENCE = 2**31 - 1
CANONICAL_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def store_interactions(
    *,
    person: Person,
    assignment: Assignment,
    page: UUID,
    batch: Sequence[Mapping[str, object]],
) -> int:
    """Stores a batch; returns how many of its interactions the log now holds.

    An interaction without a usable id cannot be stored once, so it is left out; any other fault is stored
    with the fault named in `flagged`.
    """
    rows: dict[UUID, Interaction] = {}
    for given in batch:
        row = _read(given, person=person, assignment=assignment, page=page)
        if row is not None:
            rows.setdefault(row.id, row)
    with transaction.atomic():
        Interaction.objects.bulk_create(rows.values(), ignore_conflicts=True, batch_size=500)
    accepted = {row.mask_id_hint for row in rows.values() if row.kind == "accept"}
    late = Mask.objects.filter(id__in=accepted - {None}, author=person, state=MaskState.ACCEPTED)
    for mask in late:
        write_timings_safely(mask=mask)
    if late:
        send_hint(project=assignment.image.project, kind="throughput")
    return len(rows)


def _read(
    given: Mapping[str, object], *, person: Person, assignment: Assignment, page: UUID
) -> Interaction | None:
    interaction_id = _uuid(given.get("id"))
    if interaction_id is None:
        return None
    faults: list[str] = []
    row = Interaction(id=interaction_id, person=person, assignment=assignment, page=page)
    row.kind = _kind(given.get("kind"), faults)
    row.sequence = _sequence(given.get("seq"), faults)
    row.at_ms = _at_ms(given.get("at_ms"), faults)
    row.mask_id_hint = _mask(given.get("mask"), faults)
    row.detail = _detail(given.get("detail"), faults)
    if given.keys() - {"id", "kind", "seq", "at_ms", "mask", "detail"}:
        faults.append("unknown field")
    row.flagged = ", ".join(faults)[:120]
    return row


def _uuid(value: object) -> UUID | None:
    if isinstance(value, str) and CANONICAL_UUID.fullmatch(value):
        return UUID(value)
    return None


def _kind(value: object, faults: list[str]) -> str:
    if isinstance(value, str) and value in KINDS:
        return value
    faults.append("unknown kind")
    return str(value)[:32]


def _sequence(value: object, faults: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQUENCE:
        return value
    faults.append("bad sequence")
    return 0


def _at_ms(value: object, faults: list[str]) -> float | None:
    # The comparison comes before the conversion: an integer may be too large for a float.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_AT_MS:
        return float(value)
    faults.append("bad time")
    return None


def _mask(value: object, faults: list[str]) -> UUID | None:
    if value is None:
        return None
    found = _uuid(value)
    if found is None:
        faults.append("bad mask id")
    return found


def _detail(value: object, faults: list[str]) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        faults.append("bad detail")
        return {}
    if len(json.dumps(value)) > MAX_DETAIL_CHARACTERS:
        faults.append("detail too long")
        return {}
    return value
