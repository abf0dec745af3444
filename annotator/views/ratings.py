"""Rating studies: beginning one on the quality page, its results for managers, and the page on which members rate."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, NotInScope
from annotator.models import RatingStudy
from annotator.queries.ratings import SCALE, progress_of, study_result
from annotator.queries.scope import NOTHING, find_managed_study, find_project, find_study
from annotator.services.mask_audits import MAX_SEED
from annotator.services.ratings import MAX_MASKS, start_study
from annotator.views.page import managed_project, page, render_page, signed_in_person
from annotator.views.quality import show_quality, written_whole


@require_POST
@page
def begin(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Draws a sample and leads to the page of the study."""
    project = managed_project(request, project_id)
    try:
        study = start_study(
            project=project,
            num_masks=written_whole(request, "num_masks", low=1, high=MAX_MASKS),
            sources=request.POST.getlist("source"),
            seed=secrets.randbelow(MAX_SEED),
            by=signed_in_person(request),
        )
    except DomainError as error:
        return show_quality(request, project, fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/ratings/{study.id}")


@require_safe
@page
def results(request: HttpRequest, project_id: UUID, study_id: UUID) -> HttpResponse:
    managed_project(request, project_id)
    study = _of_project(
        find_managed_study(person=signed_in_person(request), study_id=study_id), project_id
    )
    return render_page(
        request,
        "rating_study.html",
        project=study.project,
        current="quality",
        result=study_result(study),
        scale=SCALE,
        rate_url=request.build_absolute_uri(f"{request.path}/rate"),
    )


@require_safe
@page
def rate(request: HttpRequest, project_id: UUID, study_id: UUID) -> HttpResponse:
    """One mask after another in five views, with ten buttons."""
    person = signed_in_person(request)
    find_project(person=person, project_id=project_id)
    study = _of_project(find_study(person=person, study_id=study_id), project_id)
    num_rated, num_masks = progress_of(study, person)
    return render_page(
        request,
        "rate.html",
        project=study.project,
        study=study,
        scale=SCALE,
        num_rated=num_rated,
        num_masks=num_masks,
    )


def _of_project(study: RatingStudy, project_id: UUID) -> RatingStudy:
    if study.project_id != project_id:
        raise NotInScope(NOTHING)
    return study
