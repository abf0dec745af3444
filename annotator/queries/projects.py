"""Projects, for commands that name them."""

from __future__ import annotations

from uuid import UUID

from annotator.errors import NotInScope
from annotator.models import Project


def find_project_by_name(name_or_id: str) -> Project:
    """A project by its name or its id; for commands, whose person may see everything."""
    found = Project.objects.filter(name=name_or_id).first()
    if found is None:
        try:
            found = Project.objects.filter(id=UUID(name_or_id)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotInScope(f"There is no project {name_or_id!r}.")
    return found
