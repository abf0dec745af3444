"""Provenance: a line of JSON for each mask, which tells how it came about and what it took."""

from __future__ import annotations

from typing import Any, BinaryIO

from django.db.models import QuerySet

from annotator.models import Mask, MaskRevision, MaskTiming
from annotator.services.export_formats.source import (
    Advance,
    Selection,
    compact_json,
    one_moment,
)


def write_provenance(selection: Selection, out: BinaryIO, advance: Advance) -> int:
    """Returns how many masks were written."""
    number = 0
    with one_moment():
        num_masks = selection.count()
        for number, mask in enumerate(selection.masks(_with_history), 1):
            out.write(f"{compact_json(_line(mask))}\n".encode())
            advance(number / num_masks)
    return number


def _with_history(masks: QuerySet[Mask]) -> QuerySet[Mask]:
    told = masks.select_related("image__picture", "model_version")
    return told.prefetch_related("revisions__model_version", "timings")


def _line(mask: Mask) -> dict[str, object]:
    """`prompts` are those of the present version, in their order."""
    image = mask.image
    revisions = sorted(mask.revisions.all(), key=lambda one: one.version)
    timings = sorted(mask.timings.all(), key=lambda one: one.version)
    return {
        "mask_id": str(mask.id),
        "mask_version": mask.version,
        "image_id": str(image.id),
        "image_name": image.name,
        "image_sha256": image.picture.sha256,
        "held_out": image.held_out,
        "origin": mask.origin,
        "is_withdrawn": mask.is_withdrawn,
        "parent": _text(mask.parent_id),
        "author": _text(mask.author_id),
        "created_at": mask.created_at.isoformat(),
        "accepted_at": mask.accepted_at and mask.accepted_at.isoformat(),
        "prompts": mask.prompts,
        **_content(mask),
        "versions": [_version(one) for one in revisions],
        "timings": [_timing(one) for one in timings],
    }


def _version(revision: MaskRevision) -> dict[str, object]:
    return {
        "version": revision.version,
        "state": revision.state,
        "author": _text(revision.author_id),
        "created_at": revision.created_at.isoformat(),
        **_content(revision),
    }


def _content(one: Mask | MaskRevision) -> dict[str, object]:
    model = one.model_version
    return {
        "area": one.area,
        "counts_sha256": one.counts_sha256,
        "model": model and model.bundle_fingerprint,
        "predicted_iou": one.predicted_iou,
    }


TIMING_FIELDS = (
    *("version", "active_ms", "looking_ms", "prompting_ms", "waiting_ms", "painting_ms", "idle_ms"),
    *("num_points", "num_boxes", "num_candidate_switches", "num_strokes", "num_undos"),
    *("painted_px", "erased_px", "flagged"),
)


def _timing(timing: MaskTiming) -> dict[str, Any]:
    return {name: getattr(timing, name) for name in TIMING_FIELDS}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
