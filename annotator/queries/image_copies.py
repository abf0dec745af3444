"""Copies of images: which image a person gets as one, and which wait to be compared."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotator.models import (
    Agreement,
    Assignment,
    AssignmentState,
    CopyPurpose,
    Image,
    ImageCopy,
    Mask,
    MaskOrigin,
    ModelVersion,
    Person,
    Project,
)
from annotator.models.masks import ACCEPTED
from annotator.queries.images import whole_picture_embeddings
from annotator.queries.reviews import without_rejected


def copies_of(project: Project, person: Person, *, practice: bool = False) -> QuerySet[Image]:
    """The copies of a project's images that this person works on: those to practise on, or all others."""
    copies = Image.objects.filter(project__copies_of=project, project__copies_for=person)
    to_practise = Q(copied_from__purpose=CopyPurpose.PRACTICE)
    return copies.filter(to_practise if practice else ~to_practise)


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
    return _first_unknown(person, _known_images([project]).filter(is_reference=True), model)


def due_practice(*, person: Person, project: Project, model: ModelVersion | None) -> Image | None:
    """The next practice image that this person knows nothing of."""
    return _first_unknown(person, _known_images([project]).filter(is_practice=True), model)


def num_practice(projects: Iterable[Project] | QuerySet[Project]) -> dict[UUID, int]:
    """By project how many images its practice set has; projects without one are left out."""
    images = _known_images(projects).filter(is_practice=True).order_by()
    return dict(images.values_list("project").annotate(num_images=Count("pk")))


def _known_images(projects: Iterable[Project] | QuerySet[Project]) -> QuerySet[Image]:
    """Images whose masks can be known to be good: handed in, with some that no reviewer sent back."""
    return Image.objects.filter(
        is_handed_in(OuterRef("pk")),
        Exists(good_masks(OuterRef("pk"))),
        project__in=projects,
        deleted_at=None,
    )


def _first_unknown(
    person: Person, images: QuerySet[Image], model: ModelVersion | None
) -> Image | None:
    return unknown_to(person, images, model=model).order_by("order_index", "id").first()


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


def due_shared(*, person: Person, project: Project, model: ModelVersion | None) -> QuerySet[Image]:
    """Images that others have begun or masked and this person is to mask as well, on their own, in the project's order.

    Which images those are their content decides, as with held-out ones, so that a larger share contains the smaller
    one. Never those with imported masks: whoever had them did not begin from nothing.
    """
    begun = [AssignmentState.LEASED, AssignmentState.SUBMITTED, AssignmentState.RETURNED]
    taken = Assignment.objects.filter(
        image=OuterRef("image"),
        state__in=[AssignmentState.LEASED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED],
    )
    num_copies = (
        ImageCopy.objects.filter(
            Exists(taken), original=OuterRef("pk"), purpose=CopyPurpose.AGREEMENT
        )
        .order_by()
        .values("original")
        .annotate(num=Count("pk"))
        .values("num")
    )
    shared = (
        Image.objects.filter(
            of_share(project.agreement_percent),
            Exists(Assignment.objects.filter(image=OuterRef("pk"), state__in=begun)),
            ~Exists(Mask.objects.filter(image=OuterRef("pk"), origin=MaskOrigin.IMPORTED)),
            project=project,
            deleted_at=None,
        )
        .annotate(num_copies=Coalesce(Subquery(num_copies), 0))
        .filter(num_copies__lt=project.agreement_people - 1)
    )
    return unknown_to(person, shared, model=model).order_by("order_index", "id")


def of_share(percent: int) -> Q:
    """A condition on images: their content puts them in that share, whichever are held out."""
    if percent >= 100:
        return Q()
    return Q(picture_id__lt=f"{(percent << 32) // 100:08x}")


def last_was_copy(person: Person, project: Project) -> bool:
    """Whether the image that the person was lent last in a project was a copy."""
    lent = Assignment.objects.filter(annotator=person).filter(
        Q(image__project=project) | Q(image__in=copies_of(project, person))
    )
    last = lent.order_by("-leased_at").values_list("image__project_id", flat=True).first()
    return last is not None and last != project.pk


def submitted_work(image: Image | OuterRef) -> QuerySet[Assignment]:
    """Who handed an image in."""
    return Assignment.objects.filter(image=image, state=AssignmentState.SUBMITTED)


def copies_to_compare() -> QuerySet[ImageCopy]:
    """Copies that were handed in and not compared yet with something they are to be compared with."""
    with_original = Agreement.objects.filter(copy=OuterRef("pk"), other=OuterRef("original"))
    original_is_due = ~Exists(with_original) & (
        Q(purpose=CopyPurpose.REFERENCE) | Exists(submitted_work(OuterRef("original")))
    )
    earlier = _uncompared(
        pk=OuterRef(OuterRef("pk")),
        original=OuterRef("original"),
        before=OuterRef("created_at"),
    )
    return (
        ImageCopy.objects.filter(_was_handed_in())
        .exclude(purpose=CopyPurpose.PRACTICE)
        .filter(original_is_due | Q(Exists(earlier), purpose=CopyPurpose.AGREEMENT))
        .select_related("image__picture", "image__project", "original")
        .order_by("created_at", "pk")
    )


def earlier_to_compare(copy: ImageCopy) -> QuerySet[ImageCopy]:
    """The copies of the same picture, made before this one, that it was not compared with yet."""
    earlier = _uncompared(pk=copy.pk, original=copy.original_id, before=copy.created_at)
    return earlier.select_related("image__picture", "image__project").order_by("created_at")


def _uncompared(*, pk: object, original: object, before: object) -> QuerySet[ImageCopy]:
    """Copies that were handed in, of one original, made before a moment, and not compared with the copy `pk`."""
    compared = Agreement.objects.filter(copy=pk, other=OuterRef("image"))
    return ImageCopy.objects.filter(
        _was_handed_in(),
        ~Exists(compared),
        original=original,
        created_at__lt=before,
        purpose=CopyPurpose.AGREEMENT,
    )


def _was_handed_in() -> Q:
    """A condition on copies; one that was taken up again afterwards was."""
    return Q(Exists(submitted_work(OuterRef("image")))) | Q(handed_in_at__isnull=False)
