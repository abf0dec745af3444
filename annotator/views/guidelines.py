"""A project's guidelines: what annotators read, and where managers write it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST

from annotator.models import GuidelinePicture, Project
from annotator.queries.guidelines import find_guideline_picture, guideline_pictures
from annotator.queries.scope import find_project
from annotator.services.guidelines import (
    MAX_GUIDELINE_PICTURES,
    add_guideline_pictures,
    remove_guideline_picture,
    render_guidelines,
)
from annotator.services.images import Refusal
from annotator.services.projects import ProjectChanges, change_project
from annotator.services.uploads import uploads_in
from annotator.views.page import managed_project, page, render_page, signed_in_person

MAX_GUIDELINES = 20000


@require_http_methods(["GET", "HEAD", "POST"])
@page
def guidelines(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """What annotators should know; managers may write it."""
    person = signed_in_person(request)
    if request.method != "POST":
        return _guidelines(request, find_project(person=person, project_id=project_id))
    project = managed_project(request, project_id)
    text = request.POST.get("guidelines", "").replace("\r\n", "\n").strip()
    refused: list[Refusal] = []
    if request.FILES:
        report = add_guideline_pictures(
            project=project, uploads=uploads_in(request.FILES), by=person
        )
        text, refused = _with_pictures(text, report.added), report.refused
    if len(text) > MAX_GUIDELINES or "\x00" in text:
        fault = f"The guidelines are too long: {len(text):,} characters of {MAX_GUIDELINES:,}."
        return _guidelines(request, project, fault=fault, text=text)
    change_project(project=project, changes=ProjectChanges(guidelines=text), by=person)
    if refused:
        fault = "; ".join(f"{one.name}: {one.message}" for one in refused)
        return _guidelines(request, project, fault=f"The text is saved. {fault}", text=text)
    return HttpResponseRedirect(f"/projects/{project.id}/guidelines?saved=1")


@require_POST
@page
def drop_guideline_picture(request: HttpRequest, project_id: UUID, sha256: str) -> HttpResponse:
    project = managed_project(request, project_id)
    picture = find_guideline_picture(project=project, sha256=sha256)
    remove_guideline_picture(picture=picture, by=signed_in_person(request))
    return HttpResponseRedirect(f"/projects/{project.id}/guidelines")


def _guidelines(
    request: HttpRequest, project: Project, *, fault: str = "", text: str | None = None
) -> HttpResponse:
    return render_page(
        request,
        "guidelines.html",
        project=project,
        current="guidelines",
        status=422 if fault else 200,
        text=project.guidelines if text is None else text,
        html=mark_safe(render_guidelines(project)),
        pictures=guideline_pictures(project),
        max_pictures=MAX_GUIDELINE_PICTURES,
        fault=fault,
        was_saved="saved" in request.GET,
        max_length=MAX_GUIDELINES,
    )


def _with_pictures(text: str, added: list[GuidelinePicture]) -> str:
    """The text with the pictures that it does not name yet at its end."""
    new = [one.name for one in added if f"({one.name})" not in text]
    return "\n\n".join([text, *(f"![{Path(name).stem}]({name})" for name in new)]).strip()
