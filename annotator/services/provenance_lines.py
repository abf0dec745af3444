"""Provenance read back: what another installation told of masks that were imported, kept with them word for word.

The lines hold no pixels. A line belongs to the imported mask with the same pixels on the same picture, as long as
nobody has worked on it. Nothing of it becomes a time, a version or an author here: those are facts of elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from django.db import transaction
from django.db.models import Q

from annotator.errors import Invalid
from annotator.models import Mask, MaskOrigin, MaskRevision, MaskState, Person, Project
from annotator.queries.masks import masks_of_kind
from annotator.services.audit import record_act
from annotator.services.images import clean_name, require_open
from annotator.services.imported_masks import predicted_iou_of
from annotator.services.imports import ImportReport
from annotator.services.mask_history import revision_of

PROVENANCE = "provenance"  # as the export is called
SUFFIX = ".jsonl"
TOLD = "told"  # where the line stands in the first prompt of a mask
MAX_LINE_BYTES = 1 << 16
AT_ONCE = 200
NOT_STORED = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)  # what PostgreSQL takes for no text


@dataclass(frozen=True)
class _Line:
    """One line that makes sense; `key` is picture and pixels."""

    place: str
    told: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.told["image_sha256"], self.told["counts_sha256"]


def import_provenance(
    *, project: Project, source: Path, dry_run: bool, by: Person | None
) -> ImportReport:
    """Keeps each line of a file with its mask; `masks_added` counts them, `masks_known` those that were kept before.

    Safe to repeat. Raises `Conflict` (archived) and `Invalid` (no file); lines without a mask are in the report.
    """
    require_open(project)
    if not source.is_file():
        raise Invalid(f"There is no file {source}.", code="no_file")
    report = ImportReport()
    lines = _read(source, report)
    while batch := list(islice(lines, AT_ONCE)):
        with transaction.atomic():
            _keep(project, batch, report, dry_run=dry_run)
    if report.masks_added and not dry_run:
        record_act(
            person=by,
            project=project,
            act="provenance.imported",
            subject=clean_name(source.name),
            detail={"masks": report.masks_added},
        )
    return report


def _read(source: Path, report: ImportReport) -> Iterator[_Line]:
    with source.open("rb") as file:
        number = 0
        while content := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            place = f"line {number}"
            if len(content) > MAX_LINE_BYTES:
                text = f"It is longer than {MAX_LINE_BYTES:,} bytes."
                report.refuse(place, "too_long", text, masks=1)
                while content and not content.endswith(b"\n"):
                    content = file.readline(MAX_LINE_BYTES)
                continue
            try:
                yield _Line(place, _checked(content))
            except (ValueError, RecursionError) as error:
                report.refuse(place, "bad_line", f"It is no provenance: {error}"[:300], masks=1)


def _checked(content: bytes) -> dict[str, Any]:
    told = json.loads(content, parse_constant=_refuse)
    if not isinstance(told, dict):
        raise ValueError("it is no object")
    for name in ("image_sha256", "counts_sha256"):
        if not isinstance(told.get(name), str):
            raise ValueError(f"it has no {name}")
    if NOT_STORED.search(json.dumps(told)):
        raise ValueError("it holds characters that are no text")
    return told


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _keep(project: Project, lines: list[_Line], report: ImportReport, *, dry_run: bool) -> None:
    masks = _masks_of(project, lines)
    changed: list[Mask] = []
    for line in lines:
        mask = masks.get(line.key)
        if mask is None:
            text = "No imported mask that nobody has worked on has these pixels on this picture."
            report.refuse(line.place, "no_such_mask", text, masks=1)
        elif TOLD in mask.prompts[0]:
            report.masks_known += 1
        else:
            mask.prompts = [{**mask.prompts[0], TOLD: line.told}, *mask.prompts[1:]]
            if mask.predicted_iou is None:
                mask.predicted_iou = predicted_iou_of(line.told.get("predicted_iou"))
            mask.version += 1
            report.masks_added += 1
            changed.append(mask)
    if not dry_run:
        # `updated_at` stays: for the next round the mask is as old as its pixels.
        Mask.objects.bulk_update(changed, ["prompts", "predicted_iou", "version"])
        MaskRevision.objects.bulk_create([revision_of(mask) for mask in changed])


def _masks_of(project: Project, lines: list[_Line]) -> dict[tuple[str, str], Mask]:
    """The untouched imported masks by picture (as stored, and as it came) and pixels, locked."""
    untouched = Q(origin=MaskOrigin.IMPORTED, author=None, state=MaskState.ACCEPTED)
    found = masks_of_kind(project, untouched).filter(
        counts_sha256__in=[line.key[1] for line in lines]
    )
    masks: dict[tuple[str, str], Mask] = {}
    for mask in found.select_related("image__picture").select_for_update(of=("self",)):
        picture = mask.image.picture
        for sha256 in (picture.source_sha256, picture.sha256):
            masks[sha256, mask.counts_sha256] = mask
    return masks
