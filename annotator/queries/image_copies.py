"""Copies of images: which image a person gets as one, and which wait to be compared."""

from __future__ import annotations

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from annotator.models import (
    Agreement,
    Assignment,
    AssignmentState,
    CopyPurpose,
    Image,
    ImageCopy,
    Mask,
    ModelVersion,
    Person,
    Project,
)
from annotator.models.masks import ACCEPTED
from annotator.queries.images import whole_picture_embeddings
from annotator.queries.reviews import without_rejected


def copies_of(project: Project, person: Person) -> QuerySet[Image]:
    """The copies of a project's images that this person works on."""
    return Image.objects.filter(project__copies_of=project, project__copies_for=person)


def good_masks(image: Image | OuterRef) -> QuerySet[Mask]:
    """Accepted masks of an image that no reviewer rejected."""
    return without_rejected(Mask.objects.filter(ACCEPTED, image=image))


def is_handed_in(image: OuterRef | Image) -> Q:
    """A condition: somebody handed the image in, and nobody has it open again."""
    assignments = Assignment.objects.filter(image=image)
    open_ones = assignments.filter(state=AssignmentState.LEASED)
    return Q(Exists(assignments.filter(state=AssignmentState.SUBMITTED)), ~Exists(open_ones))


def due_reference(*, person: Person, project: Project, model: ModelVersion | None) -> Image | None:
    """The reference image of which this person gets a copy now; None when it is not time, or none is left."""
    if not project.reference_every or not _is_time(person, project):
        return None
    references = Image.objects.filter(
        is_handed_in(OuterRef("pk")),
        Exists(good_masks(OuterRef("pk"))),
        project=project,
        is_reference=True,
        deleted_at=None,
    )
    return unknown_to(person, references, model=model).order_by("order_index", "id").first()


def unknown_to(
    person: Person, images: QuerySet[Image], *, model: ModelVersion | None
) -> QuerySet[Image]:
    """Those of the images that this person neither was lent, nor made or corrected a mask of, nor had a copy of.

    With a model only those whose embedding is ready.
    """
    worked_on = Mask.objects.filter(image=OuterRef("pk")).filter(
        Q(author=person) | Q(revisions__author=person)
    )
    unknown = images.filter(
        ~Exists(worked_on),
        ~Exists(Assignment.objects.filter(image=OuterRef("pk"), annotator=person)),
        ~Exists(
            ImageCopy.objects.filter(original=OuterRef("pk"), image__project__copies_for=person)
        ),
    )
    if model is not None:
        unknown = unknown.filter(Exists(whole_picture_embeddings(model.encoder_fingerprint)))
    return unknown.select_related("picture")


def _is_time(person: Person, project: Project) -> bool:
    """Whether the person was lent enough images since the last reference image, or since that began."""
    copies = ImageCopy.objects.filter(
        image__in=copies_of(project, person), purpose=CopyPurpose.REFERENCE
    )
    last = copies.aggregate(last=Max("created_at"))["last"]
    moments = [moment for moment in (last, project.references_since) if moment is not None]
    lent = Assignment.objects.filter(annotator=person, image__project=project)
    if moments:
        lent = lent.filter(leased_at__gt=max(moments))
    return lent.count() >= project.reference_every - 1


def copies_to_compare() -> QuerySet[ImageCopy]:
    """Copies of reference images that were handed in, and not compared since."""
    submitted = Assignment.objects.filter(image=OuterRef("image"), state=AssignmentState.SUBMITTED)
    return (
        ImageCopy.objects.filter(
            Q(Exists(submitted)) | Q(handed_in_at__isnull=False),
            ~Exists(Agreement.objects.filter(copy=OuterRef("pk"), other=OuterRef("original"))),
            purpose=CopyPurpose.REFERENCE,
        )
        .select_related("image__picture", "image__project", "original")
        .order_by("created_at")
    )
