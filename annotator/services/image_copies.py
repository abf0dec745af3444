"""Lending a person a copy of an image, without its masks, so that what they make can be compared."""

from __future__ import annotations

import uuid

from annotator.models import CopyPurpose, Image, ImageCopy, ModelVersion, Person, Project
from annotator.queries.image_copies import (
    copies_of,
    due_practice,
    due_reference,
    due_shared,
    last_was_copy,
)
from annotator.queries.images import takeable_images


def lends_copies(project: Project) -> bool:
    return project.reference_every > 0 or project.agreement_percent > 0


def copy_to_lend(*, person: Person, project: Project, model: ModelVersion | None) -> Image | None:
    """Inside a transaction: the copy that this person gets now, made if need be; None: an image of the project.

    What the person has begun or a reviewer returned comes first, then a copy they have begun. Images to be masked by
    several people come between others while there are others: somebody new does not begin with a long row of copies.
    """
    if not lends_copies(project) or project.archived_at is not None:
        return None
    own = takeable_images(Image.objects.filter(project=project), person_id=person.pk, model=model)
    if own.filter(was_mine=True).exists():
        return None
    begun = takeable_images(copies_of(project, person), person_id=person.pk, model=model)
    copy = begun.select_related("picture", "project").first()
    if copy is not None:
        return copy
    reference = due_reference(person=person, project=project, model=model)
    if reference is not None:
        return _copy(reference, person, project, CopyPurpose.REFERENCE)
    if not project.agreement_percent or (last_was_copy(person, project) and own.exists()):
        return None
    shared = due_shared(person=person, project=project, model=model)
    image = shared.select_for_update(skip_locked=True, of=("self",)).first()
    return image and _copy(image, person, project, CopyPurpose.AGREEMENT)


def practice_to_lend(
    *, person: Person, project: Project, model: ModelVersion | None
) -> Image | None:
    """Inside a transaction: the copy that this person practises on now, made if need be; None: none is left."""
    if project.archived_at is not None:
        return None
    begun = copies_of(project, person, practice=True).filter(
        copied_from__original__is_practice=True, copied_from__original__deleted_at=None
    )
    copy = takeable_images(begun, person_id=person.pk, model=model)
    found = copy.select_related("picture", "project").first()
    if found is not None:
        return found
    original = due_practice(person=person, project=project, model=model)
    return original and _copy(original, person, project, CopyPurpose.PRACTICE)


def _copy(original: Image, person: Person, project: Project, purpose: CopyPurpose) -> Image:
    """A new image of the same picture among the person's copies; it looks as its original does."""
    hidden, _ = Project.with_hidden.get_or_create(
        copies_of=project, copies_for=person, defaults={"name": f"copies {uuid.uuid4()}"}
    )
    image = Image.objects.create(
        project=hidden,
        picture=original.picture,
        name=original.name,
        order_index=original.order_index,
        held_out=original.held_out,
    )
    ImageCopy.objects.create(image=image, original=original, purpose=purpose)
    return image
