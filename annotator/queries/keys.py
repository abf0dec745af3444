"""The keys that a person chose."""

from __future__ import annotations

from uuid import UUID

from annotator.errors import NotInScope
from annotator.models import ChosenKeys, Person
from annotator.queries.scope import NOTHING


def require_self(*, person: Person, person_id: UUID) -> None:
    """Raises `NotInScope` for everybody else, admins too: a page open for one person must not change another's."""
    if person.pk != person_id:
        raise NotInScope(NOTHING)


def chosen_keys(person: Person) -> ChosenKeys | None:
    """None: this person never saved any."""
    return ChosenKeys.objects.filter(person=person).first()
