"""What is known about images: state, number of masks, whether the embedding is ready."""

from __future__ import annotations

from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from annotator.models import (
    Assignment,
    AssignmentState,
    Embedding,
    Image,
    ImageCopy,
    JobState,
    Mask,
    MaskState,
    ModelVersion,
)
from annotator.queries.embeddings import newest_embed_job
from annotator.queries.model_versions import current_model_version

SUBMITTED, SKIPPED, IN_PROGRESS, READY, WAITING = (
    "submitted",
    "skipped",
    "in_progress",
    "ready",
    "waiting",
)
AT_WORK = (AssignmentState.LEASED, AssignmentState.RETURNED)
IMAGE_STATES = (SUBMITTED, SKIPPED, IN_PROGRESS, READY, WAITING)


class IntegerArray(Func):
    """ARRAY[a, b, …]::integer[], to compare with a crop rectangle."""

    function = "ARRAY"
    template = "%(function)s[%(expressions)s]::integer[]"


def whole_picture_embeddings(encoder_fingerprint: str) -> QuerySet[Embedding]:
    """Embeddings of the outer image's whole picture by one encoder; for use in a subquery over images."""
    return Embedding.objects.filter(
        picture_id=OuterRef("picture_id"),
        encoder_fingerprint=encoder_fingerprint,
        crop=IntegerArray(
            Value(0), Value(0), OuterRef("picture__width"), OuterRef("picture__height")
        ),
    )


def with_state(images: QuerySet[Image], *, model: ModelVersion | None) -> QuerySet[Image]:
    """Adds `state` (one of IMAGE_STATES), `num_masks` (accepted), `has_embedding`, `embed_job`, `shown_project`.

    Without a model every image is ready: brush and eraser need none. A copy shows the project of its original.
    """
    assignments = Assignment.objects.filter(image_id=OuterRef("id"))
    accepted = (
        Mask.objects.filter(image_id=OuterRef("id"), state=MaskState.ACCEPTED)
        .order_by()
        .values("image_id")
        .annotate(found=Count("id"))
        .values("found")
    )
    has_embedding = (
        Exists(whole_picture_embeddings(model.encoder_fingerprint))
        if model
        else Value(False, output_field=BooleanField())
    )
    images = images.annotate(
        shown_project=Coalesce("project__copies_of_id", "project_id"),
        has_embedding=has_embedding,
        num_masks=Coalesce(Subquery(accepted), Value(0), output_field=IntegerField()),
        state=Case(
            When(Exists(assignments.filter(state=AssignmentState.SUBMITTED)), Value(SUBMITTED)),
            When(Exists(assignments.filter(state__in=AT_WORK)), Value(IN_PROGRESS)),
            When(Exists(assignments.filter(state=AssignmentState.SKIPPED)), Value(SKIPPED)),
            When(Q(has_embedding=True) if model else Q(id__isnull=False), Value(READY)),
            default=Value(WAITING),
            output_field=CharField(),
        ),
    )
    fingerprint = model.encoder_fingerprint if model else ""
    job = newest_embed_job(encoder_fingerprint=fingerprint, picture="picture__")
    return images.annotate(embed_job=job)


def page_with_state(
    images: QuerySet[Image], *, model: ModelVersion | None, offset: int, limit: int
) -> list[Image]:
    """A page of the images in their project's order, as `with_state` finds them.

    Which they are is asked first, so that far down the list nothing is counted of the images before.
    """
    ids = images.order_by("order_index", "id").values_list("id", flat=True)
    found = Image.objects.filter(id__in=list(ids[offset : offset + limit]))
    stated = with_state(found.select_related("picture"), model=model)
    return list(stated.order_by("order_index", "id"))


def image_with_state(image_id: UUID) -> Image:
    """One image that is known to be there, as `with_state` finds it for the current model."""
    images = Image.objects.filter(id=image_id).select_related("picture")
    return with_state(images, model=current_model_version()).get()


def embedding_state(image: Image) -> str:
    """ready, pending, failed or none, of an image that passed `with_state`."""
    job = getattr(image, "embed_job", None)
    if getattr(image, "has_embedding", False):
        return "ready"
    if job in {JobState.FAILED, JobState.CANCELLED}:
        return "failed"
    return "none" if job is None else "pending"


def takeable_images(
    images: QuerySet[Image], *, person_id: object, model: ModelVersion | None
) -> QuerySet[Image]:
    """Images that may be lent to this person now, in the project's order.

    Not: removed ones, those lent, submitted or skipped by anybody, and — when there is a model — those
    whose embedding is not ready, nor those of which the person has a copy. A lease that expired leaves the image
    free, for its former holder too.
    Before all others come those that a reviewer returned to this person; nobody else gets them.
    """
    assignments = Assignment.objects.filter(image_id=OuterRef("id"))
    closed = assignments.exclude(state=AssignmentState.EXPIRED)
    lent = assignments.filter(state=AssignmentState.LEASED)
    returned = Exists(assignments.filter(annotator_id=person_id, state=AssignmentState.RETURNED))
    has_copy = Exists(
        ImageCopy.objects.filter(original_id=OuterRef("id"), image__project__copies_for=person_id)
    )
    free = images.annotate(was_returned=returned).filter(
        ~has_copy,
        ~Exists(closed) | (Q(was_returned=True) & ~Exists(lent)),
        deleted_at=None,
        project__archived_at=None,
    )
    if model is not None:
        free = free.filter(Exists(whole_picture_embeddings(model.encoder_fingerprint)))
    mine_first = Exists(assignments.filter(annotator_id=person_id))
    return free.annotate(was_mine=mine_first).order_by(
        F("was_returned").desc(), F("was_mine").desc(), "order_index", "id"
    )


def find_embedding(
    *, image: Image, encoder_fingerprint: str, crop: tuple[int, int, int, int] | None = None
) -> Embedding | None:
    """The embedding of the image's whole picture, or of a part of it, by one encoder."""
    picture = image.picture
    return Embedding.objects.filter(
        picture=picture,
        crop=list(crop or (0, 0, picture.width, picture.height)),
        encoder_fingerprint=encoder_fingerprint,
    ).first()
