"""How many images of a project stand where."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from annotator.models import Image, JobState, Project
from annotator.queries.images import IMAGE_STATES, WAITING, with_state
from annotator.queries.model_versions import current_model_version


@dataclass(frozen=True)
class ImageCounts:
    """Images of a project by where they stand; the parts other than `left` add up to `total`."""

    total: int
    waiting: int  # no embedding yet
    ready: int
    in_progress: int
    submitted: int
    skipped: int

    @property
    def left(self) -> int:
        return self.waiting + self.ready + self.in_progress


def image_counts(*, project: Project) -> ImageCounts:
    """Where the project's images stand, each in exactly one state (`queries.images.with_state`)."""
    images = Image.objects.filter(project=project, deleted_at=None)
    rows = (
        with_state(images, model=current_model_version())
        .order_by()
        .values("state")
        .annotate(num_images=Count("pk"))
        .values_list("state", "num_images")
    )
    found = dict.fromkeys(IMAGE_STATES, 0) | dict(rows)
    return ImageCounts(total=sum(found.values()), **found)


def num_failed_embeddings(*, project: Project) -> int:
    """Images that wait for the model although nothing prepares them any more."""
    images = Image.objects.filter(project=project, deleted_at=None)
    return (
        with_state(images, model=current_model_version())
        .filter(state=WAITING, embed_job__in=[JobState.FAILED, JobState.CANCELLED])
        .count()
    )
