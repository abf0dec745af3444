"""When a project's rounds start by themselves."""

from __future__ import annotations

from annotator.models import Project, RoundSchedule, ScheduleKind


def schedule_of(project: Project) -> RoundSchedule:
    """The project's schedule; one that was never set is off (and not in the database)."""
    found = RoundSchedule.objects.filter(project=project).first()
    return found or RoundSchedule(project=project, kind=ScheduleKind.OFF)
