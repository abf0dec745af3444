"""The quality page: what checks and reviewers found, reference images, audits; and everybody's own scores."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, Invalid, NotInScope
from annotator.models import (
    MAX_AGREEMENT_PEOPLE,
    MAX_REFERENCE_EVERY,
    MIN_AGREEMENT_PEOPLE,
    MaskSource,
    Project,
    RejectReason,
)
from annotator.queries import mask_checks
from annotator.queries.agreements import Scores, image_scores, num_references, people_scores
from annotator.queries.annotator_agreement import annotator_agreements, pair_lines, week_lines
from annotator.queries.mask_audits import audit_result, audits_of
from annotator.queries.quality import people_quality, review_totals
from annotator.queries.ratings import studies_of, study_result
from annotator.queries.scope import NOTHING, find_project
from annotator.services.mask_audits import MAX_IMAGES, MAX_SEED, start_audit
from annotator.services.projects import ProjectChanges, change_project
from annotator.services.ratings import MAX_MASKS
from annotator.views.agreement import curves, matrix
from annotator.views.page import managed_project, page, render_page, signed_in_person
from annotator.views.scatter import dots_of

DEFAULT_AUDIT_IMAGES = 50
DEFAULT_STUDY_MASKS = 100

CHECK_WORDS = {
    mask_checks.EMPTY: ("Hardly any pixels", f"fewer than {mask_checks.EMPTY_PX} pixels"),
    mask_checks.SPECKS: (
        "Specks",
        f"regions under {mask_checks.SPECK_PX} pixels apart from the largest",
    ),
    mask_checks.BORDER: ("Touches the border", "often right, sometimes a mask that ran away"),
    mask_checks.DUPLICATE: (
        "Twice the same",
        f"IoU over {mask_checks.DUPLICATE_IOU} with another mask of the image",
    ),
    mask_checks.TOO_FAST: (
        "Very fast",
        f"accepted in under {mask_checks.TOO_FAST_S:g} s of active time",
    ),
}

# Below these a score is worth a talk, and above this share of masks that the reference lacks.
FOUND_SHARE, EDGE_IOU, EXTRA_SHARE = 0.9, 0.7, 0.2


@require_safe
@page
def quality(request: HttpRequest, project_id: UUID) -> HttpResponse:
    return show_quality(request, managed_project(request, project_id))


@require_POST
@page
def new_audit(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Draws a sample of images and leads to its first mask."""
    project = managed_project(request, project_id)
    try:
        num_images = written_whole(request, "num_images", low=1, high=MAX_IMAGES)
        seed = written_whole(request, "seed", low=0, high=MAX_SEED)
        audit = start_audit(
            project=project, num_images=num_images, seed=seed, by=signed_in_person(request)
        )
    except DomainError as error:
        return show_quality(request, project, fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/review?audit={audit.id}")


@require_POST
@page
def set_references(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Sets how often people get a reference image, and whether they see their scores."""
    project = managed_project(request, project_id)
    try:
        every = written_whole(request, "reference_every", low=0, high=MAX_REFERENCE_EVERY)
        shows = "shows_reference_scores" in request.POST
        changes = ProjectChanges(reference_every=every, shows_reference_scores=shows)
        change_project(project=project, changes=changes, by=signed_in_person(request))
    except DomainError as error:
        project.refresh_from_db()
        return show_quality(request, project, fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/quality#references-heading")


@require_safe
@page
def my_scores(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """What the signed-in person made of reference images, where the project shows it."""
    person = signed_in_person(request)
    project = find_project(person=person, project_id=project_id)
    if not project.shows_reference_scores:
        raise NotInScope(NOTHING)
    scores = image_scores(project, person)
    return render_page(
        request, "my_scores.html", project=project, current="my-scores", scores=scores
    )


@require_POST
@page
def set_agreement(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Sets which share of the images several people mask on their own, and how many people."""
    project = managed_project(request, project_id)
    try:
        percent = written_whole(request, "agreement_percent", low=0, high=100)
        num_people = written_whole(
            request, "agreement_people", low=MIN_AGREEMENT_PEOPLE, high=MAX_AGREEMENT_PEOPLE
        )
        changes = ProjectChanges(agreement_percent=percent, agreement_people=num_people)
        change_project(project=project, changes=changes, by=signed_in_person(request))
    except DomainError as error:
        return show_quality(request, project, fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/quality#agreement-heading")


def worth_a_talk(scores: Scores) -> str:
    """What a conversation could begin with; "" when nothing stands out."""
    made = scores.num_matched + scores.num_extra
    if scores.found_share is not None and scores.found_share < FOUND_SHARE:
        return "which objects to mask: some were left out"
    if made and scores.num_extra / made > EXTRA_SHARE:
        return "what counts as an object: some masks have none like them"
    if scores.mean_boundary_iou is not None and scores.mean_boundary_iou < EDGE_IOU:
        return "edges: zooming in before Enter may help"
    return ""


def show_quality(
    request: HttpRequest, project: Project, *, fault: DomainError | None = None
) -> HttpResponse:
    found = mask_checks.counts_by_check(project)
    totals = review_totals(project)
    people = people_quality(project)
    slowest, dots = dots_of(people)
    agreements = list(annotator_agreements(project))
    weeks = week_lines(agreements)
    return render_page(
        request,
        "quality.html",
        project=project,
        current="quality",
        status=fault.status if fault else 200,
        fault=fault.message if fault else "",
        checks=[(check, *CHECK_WORDS[check], found[check]) for check in mask_checks.CHECKS],
        unchecked=mask_checks.num_unchecked(project),
        totals=totals,
        reasons=[(RejectReason(reason).label, num) for reason, num in totals.reasons],
        people=[
            (one, RejectReason(one.common_reason).label if one.common_reason else "")
            for one in people
        ],
        dots=dots,
        slowest=slowest,
        references=num_references(project),
        reference_scores=[
            (one, worth_a_talk(one.scores) if one.scores.is_sure else "")
            for one in people_scores(project)
        ],
        max_reference_every=MAX_REFERENCE_EVERY,
        agreement_matrix=matrix(pair_lines(agreements)),
        agreement_weeks=weeks,
        agreement_curves=curves(weeks),
        least_people=MIN_AGREEMENT_PEOPLE,
        most_people=MAX_AGREEMENT_PEOPLE,
        audits=[audit_result(audit) for audit in audits_of(project)],
        audit_images=DEFAULT_AUDIT_IMAGES,
        seed=secrets.randbelow(10_000),
        max_audit_images=MAX_IMAGES,
        max_seed=MAX_SEED,
        studies=[study_result(study) for study in studies_of(project)],
        mask_sources=MaskSource.choices,
        study_masks=DEFAULT_STUDY_MASKS,
        max_study_masks=MAX_MASKS,
    )


def written_whole(request: HttpRequest, name: str, *, low: int, high: int) -> int:
    word = request.POST.get(name, "")
    if not (word.isascii() and word.isdigit()) or not low <= int(word[:12]) <= high:
        text = f"Write a whole number from {low:,} to {high:,}, not {word!r:.40}."
        raise Invalid(text, field=name)
    return int(word)
