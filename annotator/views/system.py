"""The admins' page of the installation: health, jobs, people, who did what."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError
from annotator.models import Person
from annotator.queries.jobs import find_job
from annotator.queries.people import all_people, find_person
from annotator.queries.scope import require_admin
from annotator.queries.system import (
    failed_jobs,
    jobs_by_kind,
    newest_acts,
    running_jobs,
    stored_files,
)
from annotator.services.health import check_services
from annotator.services.jobs import retry_job
from annotator.services.people import create_person, make_sign_in_link, set_person_active
from annotator.services.pulse import living_workers
from annotator.services.workers import queues, storage_room
from annotator.views.page import page, render_page, signed_in_person


@require_safe
@page
def system(request: HttpRequest) -> HttpResponse:
    return _system(request, _admin(request))


@require_POST
@page
def add_person(request: HttpRequest) -> HttpResponse:
    """Makes a person, and at once the link with which the person sets a password."""
    admin = _admin(request)
    name = request.POST.get("name", "").strip()
    try:
        person = create_person(
            name=name,
            display_name=" ".join(request.POST.get("display_name", "").split())[:120],
            is_admin=request.POST.get("is_admin") == "on",
            by=admin,
        )
    except DomainError as error:
        return _system(request, admin, fault=error, name=name)
    return _with_link(request, admin, person)


@require_POST
@page
def make_link(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """A new one-time link; it is shown once and never again."""
    admin = _admin(request)
    return _with_link(request, admin, find_person(person_id))


@require_POST
@page
def set_active(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Deactivates a person (their work stays) or lets them in again."""
    admin = _admin(request)
    is_active = request.POST.get("active") == "yes"
    try:
        set_person_active(person=find_person(person_id), is_active=is_active, by=admin)
    except DomainError as error:
        return _system(request, admin, fault=error)
    return HttpResponseRedirect("/system#people")


@require_POST
@page
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Queues the work of a failed job again."""
    admin = _admin(request)
    job = find_job(job_id=job_id)
    try:
        retry_job(job=job)
    except DomainError as error:
        return _system(request, admin, fault=error)
    return HttpResponseRedirect("/system#jobs")


@never_cache
def _with_link(request: HttpRequest, admin: Person, person: Person) -> HttpResponse:
    secret = make_sign_in_link(person=person, by=admin)
    url = request.build_absolute_uri(f"/link/{secret}")
    return _system(request, admin, link={"person": person, "url": url})


def _system(
    request: HttpRequest,
    admin: Person,
    *,
    fault: DomainError | None = None,
    name: str = "",
    link: dict[str, object] | None = None,
) -> HttpResponse:
    now = timezone.now()
    return render_page(
        request,
        "system.html",
        current="system",
        status=fault.status if fault else 200,
        services=check_services(),
        workers=living_workers(),
        queues=queues(),
        room=storage_room(),
        stored=stored_files(),
        running=running_jobs(),
        kinds=jobs_by_kind(now=now),
        failed=failed_jobs(now=now),
        people=all_people(),
        acts=newest_acts(),
        fault=fault.message if fault else "",
        name=name,
        link=link,
        now=now,
    )


def _admin(request: HttpRequest) -> Person:
    person = signed_in_person(request)
    require_admin(person)
    return person
