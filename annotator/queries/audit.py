"""Who did what, by person, project and kind of act."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from annotator.models import AuditEntry


@dataclass(frozen=True, kw_only=True)
class ActFilter:
    """None and "" let everything through; `act` is a whole act ("token.made") or its kind ("token")."""

    person: UUID | None = None
    project: UUID | None = None
    act: str = ""
    before: int | None = None  # id of an entry: only older ones


def acts(wanted: ActFilter) -> QuerySet[AuditEntry]:
    """Newest first, each with its person and project."""
    found = AuditEntry.objects.select_related("person", "project").order_by("-id")
    if wanted.person is not None:
        found = found.filter(person=wanted.person)
    if wanted.project is not None:
        found = found.filter(project=wanted.project)
    if wanted.act:
        found = found.filter(Q(act=wanted.act) | Q(act__startswith=f"{wanted.act}."))
    if wanted.before is not None:
        found = found.filter(id__lt=wanted.before)
    return found


def kinds_of_acts() -> list[str]:
    """The kinds that were recorded, by name."""
    known = AuditEntry.objects.order_by("act").values_list("act", flat=True).distinct()
    return sorted({act.partition(".")[0] for act in known})
