"""Remembers who did what."""

from __future__ import annotations

from annotator.models import AuditEntry, Person, Project


def record_act(
    *,
    person: Person | None,
    act: str,
    subject: str = "",
    project: Project | None = None,
    detail: dict[str, object] | None = None,
) -> None:
    """One row in the append-only record; `act` is a stable word such as `round.started`."""
    AuditEntry.objects.create(
        person=person, project=project, act=act, subject=subject[:200], detail=detail or {}
    )
