"""The projects page, and those pages of a project that only show something."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, NotAllowed
from annotator.models import (
    MAX_HELD_OUT_PERCENT,
    OverlapRule,
    Person,
    Project,
    Role,
)
from annotator.queries.export_parts import authors_of
from annotator.queries.image_copies import num_practice
from annotator.queries.jobs import rounds_of
from annotator.queries.model_versions import current_model_version
from annotator.queries.my_images import my_images
from annotator.queries.people import (
    managed_projects,
    may_create_projects,
)
from annotator.queries.project_summaries import ProjectSummary, project_summaries
from annotator.queries.ratings import studies_to_rate
from annotator.queries.scope import (
    find_project,
    role_in,
    visible_projects,
)
from annotator.services.embeddings import request_missing_embeddings
from annotator.services.exports import FORMATS
from annotator.services.people import set_role
from annotator.services.projects import ProjectChanges, change_project, create_project
from annotator.services.server_folder import server_data_sets
from annotator.views.page import MANAGING, managed_project, page, render_page, signed_in_person
from annotator.views.project_forms import written_name, written_rule

MAX_ROUNDS_OFFERED = 100
NUM_RECENT = 6


@require_safe
@page
def home(request: HttpRequest) -> HttpResponse:
    return _home(request)


@require_POST
@page
def new_project(request: HttpRequest) -> HttpResponse:
    """Creates a project; whoever creates it manages it."""
    person = signed_in_person(request)
    if not may_create_projects(person):
        raise NotAllowed("Only managers and admins may create projects.")
    try:
        name = written_name(request.POST.get("name", ""))
        rule = written_rule(request.POST.get("overlap_rule", OverlapRule.ALLOWED))
        with transaction.atomic():
            project = create_project(name=name, overlap_rule=rule, by=person)
            set_role(project=project, person=person, role=Role.MANAGER, by=person)
    except DomainError as error:
        return _home(request, fault=error, name=request.POST.get("name", ""))
    return HttpResponseRedirect(f"/projects/{project.id}/images")


@require_safe
@page
@ensure_csrf_cookie
def annotate(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The workbench."""
    return _workbench(request, project_id)


@require_safe
@page
@ensure_csrf_cookie
def practice(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The workbench with images whose masks are known, to learn on."""
    return _workbench(request, project_id, practice=True)


@require_safe
@page
@ensure_csrf_cookie
def images(request: HttpRequest, project_id: UUID) -> HttpResponse:
    return _images(request, managed_project(request, project_id))


@require_POST
@page
def retry_embeddings(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Asks again for every embedding that failed; whose image it is makes no difference to the worker."""
    project = managed_project(request, project_id)
    model = current_model_version()
    if model is not None:
        request_missing_embeddings(model_version=model, by_person=True)
    return HttpResponseRedirect(f"/projects/{project.id}/images")


@require_POST
@page
def hold_out(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Sets the share of the images added from now on that is kept for scoring."""
    project = managed_project(request, project_id)
    word = request.POST.get("held_out_percent", "")
    if not word.isdecimal() or int(word[:9]) > MAX_HELD_OUT_PERCENT:
        fault = f"Write a whole number from 0 to {MAX_HELD_OUT_PERCENT}, not {word!r:.40}."
        return _images(request, project, fault=fault)
    changes = ProjectChanges(held_out_percent=int(word))
    change_project(project=project, changes=changes, by=signed_in_person(request))
    return HttpResponseRedirect(f"/projects/{project.id}/images")


@require_safe
@page
@ensure_csrf_cookie
def dashboard(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = managed_project(request, project_id)
    return render_page(request, "dashboard.html", project=project, current="dashboard")


@require_safe
@page
@ensure_csrf_cookie
def review(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """One accepted mask after another, to accept, fix or send back."""
    return render_page(
        request, "review.html", project=managed_project(request, project_id), current="review"
    )


@require_safe
@page
@ensure_csrf_cookie
def rounds(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """What was collected between rounds of retraining, and how good each new model was."""
    project = managed_project(request, project_id)
    return render_page(request, "rounds.html", project=project, current="rounds")


# ---- the pages themselves ------------------------------------------------------------------------


def _workbench(request: HttpRequest, project_id: UUID, *, practice: bool = False) -> HttpResponse:
    person = signed_in_person(request)
    project = find_project(person=person, project_id=project_id)
    context = {
        "project": project,
        "may_manage": role_in(person=person, project=project) in MANAGING,
        "practice": practice,
        "num_practice": num_practice([project]).get(project.pk, 0),
    }
    return render(request, "workbench.html", context)


def _home(
    request: HttpRequest, *, fault: DomainError | None = None, name: str = ""
) -> HttpResponse:
    person = signed_in_person(request)
    projects = visible_projects(person).filter(archived_at=None)
    summaries = project_summaries(person=person, projects=projects)
    return render_page(
        request,
        "home.html",
        current="projects",
        status=fault.status if fault else 200,
        summaries=summaries,
        annotating=_first_to_annotate(person, summaries),
        recent=my_images(person, limit=NUM_RECENT),
        to_rate=studies_to_rate(person, now=timezone.now()),
        may_create=may_create_projects(person),
        archived=visible_projects(person).exclude(archived_at=None).order_by("name"),
        managed=managed_projects(person),
        fault=fault.message if fault else "",
        name=name,
    )


def _first_to_annotate(person: Person, summaries: list[ProjectSummary]) -> Project | None:
    """The project behind the big button: the first with images ready, for people who only annotate."""
    mine = [one for one in summaries if one.role == Role.ANNOTATOR]
    if person.is_admin or len(mine) < len(summaries) or not mine:
        return None
    ready = [one for one in mine if one.images.ready or one.num_mine]
    return (ready or mine)[0].project


def _images(request: HttpRequest, project: Project, *, fault: str = "") -> HttpResponse:
    limits = {
        "max_files": settings.MAX_FILES_PER_UPLOAD,
        "max_bytes": settings.MAX_IMAGE_BYTES,
        "max_data_set_bytes": settings.MAX_UPLOAD_BYTES,
        "max_changed": settings.MAX_IMAGES_PER_CHANGE,
        "max_held_out_percent": MAX_HELD_OUT_PERCENT,
    }
    return render_page(
        request,
        "images.html",
        project=project,
        current="images",
        status=422 if fault else 200,
        limits=limits,
        export_formats=[(name, each.label, each.takes_pictures) for name, each in FORMATS.items()],
        export_rounds=rounds_of(project)[:MAX_ROUNDS_OFFERED],
        authors=authors_of(project),
        incoming_folder=settings.INCOMING_FOLDER,
        incoming=server_data_sets() if signed_in_person(request).is_admin else [],
        fault=fault,
    )
