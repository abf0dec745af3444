"""Jobs, rounds and exports as people see them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from annotator.errors import NotInScope
from annotator.models import OPEN_STATES, Export, Import, Job, JobKind, Person, Project, Round
from annotator.queries.scope import NOTHING, require_manager, visible_projects


def find_job(*, job_id: UUID) -> Job:
    job = Job.objects.filter(id=job_id).first()
    if job is None:
        raise NotInScope(NOTHING)
    return job


def all_jobs(*, kind: str | None = None, state: str | None = None) -> QuerySet[Job]:
    """Newest first."""
    jobs = Job.objects.order_by("-created_at", "id")
    jobs = jobs if kind is None else jobs.filter(kind=kind)
    return jobs if state is None else jobs.filter(state=state)


def newest_registrations(*, limit: int) -> list[Job]:
    """The checkpoints that were registered last, or are being so; the newest first."""
    return list(all_jobs(kind=JobKind.REGISTER)[:limit])


def count_open_jobs(*, kind: JobKind) -> int:
    return Job.objects.filter(kind=kind, state__in=OPEN_STATES).count()


def rounds_of(project: Project) -> QuerySet[Round]:
    """Newest first."""
    return (
        Round.objects.filter(project=project)
        .select_related("job", "base", "start", "candidate", "started_by", "project")
        .order_by("-number")
    )


def find_round(*, person: Person, round_id: UUID) -> Round:
    round_ = (
        Round.objects.filter(project__in=visible_projects(person), id=round_id)
        .select_related("job", "base", "start", "candidate", "started_by", "project")
        .first()
    )
    if round_ is None:
        raise NotInScope(NOTHING)
    return round_


def exports_of(project: Project) -> QuerySet[Export]:
    """Newest first."""
    exports = Export.objects.filter(project=project).select_related("job", "project")
    return exports.order_by("-created_at", "id")


def find_managed_export(*, person: Person, export_id: UUID) -> Export:
    """An export of a project the person manages: 404 outside, 403 for annotators."""
    export = (
        Export.objects.filter(project__in=visible_projects(person), id=export_id)
        .select_related("job", "project")
        .first()
    )
    if export is None:
        raise NotInScope(NOTHING)
    require_manager(person=person, project=export.project)
    return export


def imports_of(project: Project) -> QuerySet[Import]:
    """Newest first."""
    imports = Import.objects.filter(project=project).select_related("job", "project")
    return imports.order_by("-created_at", "id")


def find_managed_import(*, person: Person, import_id: UUID) -> Import:
    """An import into a project the person manages: 404 outside, 403 for annotators."""
    imports = Import.objects.filter(project__in=visible_projects(person), id=import_id)
    one = imports.select_related("job", "project").first()
    if one is None:
        raise NotInScope(NOTHING)
    require_manager(person=person, project=one.project)
    return one


def find_project_by_name(name: str) -> Project:
    """A project by its name or id, for the command line."""
    found = Project.objects.filter(name=name).first()
    if found is None and _is_uuid(name):
        found = Project.objects.filter(id=name).first()
    if found is None:
        raise NotInScope(f"There is no project {name!r}.")
    return found


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
