"""People and members, for the pages that list them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotator.errors import Invalid, NotInScope
from annotator.models import Membership, Person, Project, Role, SignInLink
from annotator.queries.scope import NOTHING


def all_people() -> QuerySet[Person]:
    """All people by name, each with `has_open_link`."""
    links = SignInLink.objects.filter(
        person=OuterRef("pk"), used_at=None, expires_at__gt=timezone.now()
    )
    return Person.objects.annotate(has_open_link=Exists(links)).order_by("-is_active", "name")


def find_person(person_id: UUID) -> Person:
    person = Person.objects.filter(id=person_id).first()
    if person is None:
        raise NotInScope(NOTHING)
    return person


def find_person_by_name(name: str) -> Person:
    """An active person by sign-in name, in any case of letters; raises `Invalid` for an unknown one."""
    people = Person.objects.filter(is_active=True)
    found = None if "\x00" in name else people.filter(name__iexact=name.strip()).first()
    if found is None:
        raise Invalid(f"Nobody signs in as {name!r}.", code="unknown_person", field="name")
    return found


def members_of(project: Project) -> QuerySet[Membership]:
    """Members by role and name, each with its person."""
    members = Membership.objects.filter(project=project).select_related("person")
    return members.order_by("-role", "person__name")


def roles_of(person: Person) -> dict[UUID, str]:
    """The person's role by project id."""
    return dict(Membership.objects.filter(person=person).values_list("project_id", "role"))


def managed_projects(person: Person) -> set[UUID]:
    """The ids of the projects that the person manages; of an admin all."""
    if person.is_admin:
        return set(Project.objects.values_list("pk", flat=True))
    return {project for project, role in roles_of(person).items() if role == Role.MANAGER}


def may_create_projects(person: Person) -> bool:
    """Admins, and people who manage a project already."""
    return person.is_admin or Role.MANAGER in roles_of(person).values()
