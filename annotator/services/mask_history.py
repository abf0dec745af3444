"""The append-only history of masks, whose they are, and how the replies to their writes describe them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from annotator.models import Assignment, Mask, MaskRevision, MaskState, Person, Picture
from common import rle

CONTENT = (
    *("state", "counts", "counts_sha256", "area", "box"),
    *("model_version_id", "predicted_iou", "prompts", "given_up"),
)


def revision_of(mask: Mask, *, by: Person | None = None) -> MaskRevision:
    """The row of history for a mask as it is now, not saved yet; its author's unless `by` somebody else."""
    return MaskRevision(
        mask=mask,
        version=mask.version,
        author_id=mask.author_id if by is None else by.id,
        **{name: getattr(mask, name) for name in CONTENT},
    )


def keep_revisions(masks: Sequence[Mask]) -> None:
    """The same row for each of these stored masks, written by the database from its own: nothing is sent twice."""
    columns = ", ".join(("version", "author_id", *CONTENT))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {MaskRevision._meta.db_table} (mask_id, created_at, {columns})"
            f" SELECT id, now(), {columns} FROM {Mask._meta.db_table} WHERE id = ANY(%s)",
            [[mask.pk for mask in masks]],
        )


def as_it_was(mask: Mask, then: MaskRevision) -> Mask:
    """The mask with the content of one of its versions, for reading."""
    for name in ("version", *CONTENT):
        setattr(mask, name, getattr(then, name))
    mask.model_version = then.model_version
    return mask


def stored_runs(counts: str, *, picture: Picture) -> rle.Runs:
    """Run lengths [R] of a mask of that picture as it is stored."""
    height, width = picture.height, picture.width
    return rle.parse_counts(counts, height=height, width=width, max_runs=height * width + 1)


def stored_iou(first: str, second: str, *, picture: Picture) -> float:
    """IoU of two masks of that picture as they are stored."""
    return rle.iou(stored_runs(first, picture=picture), stored_runs(second, picture=picture))


def last_accepted(mask: Mask) -> MaskRevision | None:
    """The newest accepted row of a mask's history."""
    accepted = MaskRevision.objects.filter(mask=mask, state=MaskState.ACCEPTED)
    return accepted.order_by("-version").first()


def take_over(mask: Mask, person: Person) -> None:
    """An imported mask belongs to the first who works on it; only what that person accepts has a time."""
    mask.author = person
    mask.assignment = Assignment.objects.filter(image_id=mask.image_id, annotator=person).first()


def describe_saved(mask: Mask) -> dict[str, object]:
    """What a writer hears of the mask."""
    return {
        "id": str(mask.id),
        "version": mask.version,
        "state": str(mask.state),
        "area": mask.area,
        "sha256": mask.counts_sha256,
        "image": str(mask.image_id),
        "order_index": mask.order_index,
    }
