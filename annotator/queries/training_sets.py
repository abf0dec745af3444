"""The accepted masks of a project that a round trains on."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from annotator.models import Mask, ModelVersion, Project, Round, TrainingMasks
from annotator.models.masks import ACCEPTED
from annotator.queries.jobs import rounds_of
from annotator.queries.masks import masks_of_kind
from annotator.queries.reviews import without_rejected
from common.snapshots import SnapshotMask


@dataclass(frozen=True)
class NewSince:
    """What a project's next round would see."""

    num_masks: int  # accepted, all
    num_images: int
    num_held_out: int  # of num_masks, those never trained on
    num_new: int  # accepted or changed since the last round that was offered new masks


def accepted_masks(project: Project) -> QuerySet[Mask]:
    """Accepted, not given up, not rejected by a reviewer, on images that are still there, in a fixed order."""
    masks = masks_of_kind(project, ACCEPTED).filter(area__gt=0)
    return (
        without_rejected(masks).select_related("image__picture").order_by("image__picture_id", "id")
    )


def usable_masks(project: Project) -> QuerySet[Mask]:
    """The accepted masks that nobody withdrew from training."""
    return accepted_masks(project).filter(is_withdrawn=False)


def snapshot_masks(project: Project, *, only_new: bool = False) -> list[SnapshotMask]:
    """The accepted masks as they go into a snapshot.

    With `only_new` those to train on are the ones that no round with a candidate had; those kept for
    scoring are always all there.
    """
    masks = usable_masks(project)
    last = learning_rounds(project).filter(candidate__isnull=False).first()
    if only_new and last is not None:
        masks = masks.filter(Q(image__held_out=True) | Q(updated_at__gt=last.job.created_at))
    return [_snapshot_mask(mask) for mask in masks.iterator(chunk_size=500)]


def held_out_masks(project: Project) -> list[SnapshotMask]:
    """The accepted masks on images kept for scoring, as they go into a snapshot."""
    masks = usable_masks(project).filter(image__held_out=True)
    return [_snapshot_mask(mask) for mask in masks.iterator(chunk_size=500)]


def learning_rounds(project: Project) -> QuerySet[Round]:
    """The rounds that were offered new masks, newest first; those on earlier masks were not."""
    return rounds_of(project).exclude(settings__training_masks=TrainingMasks.EARLIER)


def has_new_masks(project: Project, *, num: int) -> bool:
    """Whether the last started round had not at least `num` (1 or more) of the accepted masks.

    It reads no more than so many, where counting would read them all: the tick asks again and again.
    """
    return _new_masks(project)[num - 1 : num].exists()


def new_since_last_round(project: Project) -> NewSince:
    """How many masks there are, and how many of them are new."""
    masks = usable_masks(project).order_by()
    return NewSince(
        num_masks=masks.count(),
        num_images=masks.values("image_id").distinct().count(),
        num_held_out=masks.filter(image__held_out=True).count(),
        num_new=_new_masks(project).count(),
    )


def rounds_behind(version: ModelVersion) -> list[Round]:
    """The rounds that made a version, from its oldest ancestor on."""
    rounds: list[Round] = []
    step: ModelVersion | None = version
    while step is not None:
        rounds += Round.objects.filter(candidate=step).select_related("project")
        step = step.parent
    return rounds[::-1]


def _new_masks(project: Project) -> QuerySet[Mask]:
    """The accepted masks that the last started of those rounds had not, in no order."""
    masks = usable_masks(project).order_by()
    last = learning_rounds(project).first()
    return masks if last is None else masks.filter(updated_at__gt=last.job.created_at)


def _snapshot_mask(mask: Mask) -> SnapshotMask:
    picture = mask.image.picture
    return SnapshotMask(
        image_sha256=picture.sha256,
        image_key=picture.file_key,
        height=picture.height,
        width=picture.width,
        split="held_out" if mask.image.held_out else "train",
        mask_id=str(mask.id),
        version=mask.version,
        counts=mask.counts,
    )
