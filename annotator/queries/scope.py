"""The one place that decides what a person may see and do.

Out of scope and non-existent are the same answer (`NotInScope`, 404); in scope without the function is
`NotAllowed` (403). Every service and page starts from one of these functions.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from annotator.errors import NotAllowed, NotInScope
from annotator.models import (
    Assignment,
    Image,
    Mask,
    MaskAudit,
    Membership,
    Person,
    Project,
    RatingStudy,
    Role,
)

NOTHING = "There is nothing here, or it is not yours to see."


def visible_projects(person: Person) -> QuerySet[Project]:
    """Admins see all projects, others those they belong to."""
    projects = Project.objects.order_by("created_at", "id")
    if person.is_admin:
        return projects
    return projects.filter(memberships__person=person)


def reachable_projects(person: Person) -> QuerySet[Project]:
    """The visible projects, and the hidden ones that hold this person's copies of their images."""
    visible = visible_projects(person).order_by().values("pk")
    return Project.with_hidden.filter(
        Q(pk__in=visible) | Q(copies_for=person, copies_of__in=visible)
    )


def find_project(*, person: Person, project_id: UUID) -> Project:
    project = visible_projects(person).filter(id=project_id).first()
    if project is None:
        raise NotInScope(NOTHING)
    return project


def role_in(*, person: Person, project: Project) -> str | None:
    """ "admin", "manager", "annotator" or None."""
    if person.is_admin:
        return "admin"
    return (
        Membership.objects.filter(project=project, person=person)
        .values_list("role", flat=True)
        .first()
    )


def memberships_of(person: Person) -> QuerySet[Membership]:
    return Membership.objects.filter(person=person).order_by("created_at", "id")


def manages(*, person: Person, project: Project) -> bool:
    return role_in(person=person, project=project) in {"admin", Role.MANAGER}


def require_manager(*, person: Person, project: Project) -> None:
    if not manages(person=person, project=project):
        raise NotAllowed("Only managers of this project may do this.")


def require_admin(person: Person) -> None:
    if not person.is_admin:
        raise NotAllowed("Only admins may do this.")


def find_managed_project(*, person: Person, project_id: UUID) -> Project:
    """The project, when the person manages it: 404 outside, 403 for annotators."""
    project = find_project(person=person, project_id=project_id)
    require_manager(person=person, project=project)
    return project


def visible_images(person: Person) -> QuerySet[Image]:
    images = Image.objects.filter(deleted_at=None).select_related("picture", "project")
    if person.is_admin:
        return images
    return images.filter(project__in=reachable_projects(person))


def find_image(*, person: Person, image_id: UUID) -> Image:
    image = visible_images(person).filter(id=image_id).first()
    if image is None:
        raise NotInScope(NOTHING)
    return image


def find_own_assignment(*, person: Person, assignment_id: UUID) -> Assignment:
    """An assignment of this person, in a project the person still belongs to."""
    assignment = (
        Assignment.objects.filter(
            annotator=person, image__project__in=reachable_projects(person), id=assignment_id
        )
        .select_related("image__picture", "image__project", "model_version")
        .first()
    )
    if assignment is None:
        raise NotInScope(NOTHING)
    return assignment


def find_managed_mask(*, person: Person, mask_id: UUID) -> Mask:
    """A mask in a project the person manages: 404 outside, 403 for annotators."""
    masks = Mask.objects.filter(image__project__in=visible_projects(person))
    mask = (
        masks.filter(id=mask_id)
        .select_related("image__project", "image__picture", "author")
        .first()
    )
    if mask is None:
        raise NotInScope(NOTHING)
    require_manager(person=person, project=mask.image.project)
    return mask


def find_managed_audit(*, person: Person, audit_id: UUID) -> MaskAudit:
    """An audit of a project the person manages: 404 outside, 403 for annotators."""
    audits = MaskAudit.objects.filter(project__in=visible_projects(person))
    audit = audits.filter(id=audit_id).select_related("project").first()
    if audit is None:
        raise NotInScope(NOTHING)
    require_manager(person=person, project=audit.project)
    return audit


def find_study(*, person: Person, study_id: UUID) -> RatingStudy:
    """A rating study of a project the person belongs to."""
    studies = RatingStudy.objects.filter(project__in=visible_projects(person))
    study = studies.filter(id=study_id).select_related("project").first()
    if study is None:
        raise NotInScope(NOTHING)
    return study


def find_managed_study(*, person: Person, study_id: UUID) -> RatingStudy:
    """The same of a project the person manages: 404 outside, 403 for annotators."""
    study = find_study(person=person, study_id=study_id)
    require_manager(person=person, project=study.project)
    return study


def find_own_mask(*, person: Person, mask_id: UUID) -> Mask:
    """A mask this person made, in a project the person still belongs to.

    An imported mask that nobody has worked on yet is anybody's who was lent the image, and a manager's.
    """
    mask = (
        Mask.objects.filter(
            Q(author=person) | Q(author=None),
            image__project__in=reachable_projects(person),
            id=mask_id,
        )
        .select_related("image__picture", "image__project")
        .first()
    )
    if mask is None:
        raise NotInScope(NOTHING)
    was_lent = Assignment.objects.filter(image_id=mask.image_id, annotator=person)
    if mask.author_id is None and not was_lent.exists():
        require_manager(person=person, project=mask.image.project)
    return mask
