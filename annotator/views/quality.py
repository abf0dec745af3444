"""The quality page: what checks and reviewers found, audits, and what could help whom."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, Invalid
from annotator.models import Project, RejectReason
from annotator.queries import mask_checks
from annotator.queries.mask_audits import audit_result, audits_of
from annotator.queries.quality import PersonQuality, people_quality, review_totals
from annotator.services.mask_audits import MAX_IMAGES, MAX_SEED, start_audit
from annotator.views.page import managed_project, page, render_page, signed_in_person

DEFAULT_AUDIT_IMAGES = 50

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

# The picture of speed and quality, in its own units.
LEFT, RIGHT, TOP, BOTTOM = 48.0, 620.0, 16.0, 236.0


@dataclass(frozen=True)
class Dot:
    """One person in the picture; `x`, `y` in its units."""

    person: PersonQuality
    x: float
    y: float


@require_safe
@page
def quality(request: HttpRequest, project_id: UUID) -> HttpResponse:
    return _quality(request, managed_project(request, project_id))


@require_POST
@page
def new_audit(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Draws a sample of images and leads to its first mask."""
    project = managed_project(request, project_id)
    try:
        num_images = _whole(request, "num_images", low=1, high=MAX_IMAGES)
        seed = _whole(request, "seed", low=0, high=MAX_SEED)
        audit = start_audit(
            project=project, num_images=num_images, seed=seed, by=signed_in_person(request)
        )
    except DomainError as error:
        return _quality(request, project, fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/review?audit={audit.id}")


def _quality(
    request: HttpRequest, project: Project, *, fault: DomainError | None = None
) -> HttpResponse:
    found = mask_checks.counts_by_check(project)
    totals = review_totals(project)
    people = people_quality(project)
    slowest, dots = _dots(people)
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
        audits=[audit_result(audit) for audit in audits_of(project)],
        audit_images=DEFAULT_AUDIT_IMAGES,
        seed=secrets.randbelow(10_000),
        max_audit_images=MAX_IMAGES,
        max_seed=MAX_SEED,
    )


def _dots(people: list[PersonQuality]) -> tuple[float, list[Dot]]:
    """The end of the axis of seconds, and where everybody stands of whom both numbers are known."""
    known = [(one, one.median_seconds, one.share) for one in people]
    slowest = max((seconds for _, seconds, _ in known if seconds is not None), default=0.0)
    end = max(10.0, 10.0 * -(-slowest // 10.0))
    dots = [
        Dot(one, LEFT + (RIGHT - LEFT) * seconds / end, BOTTOM - (BOTTOM - TOP) * share)
        for one, seconds, share in known
        if seconds is not None and share is not None
    ]
    return end, dots


def _whole(request: HttpRequest, name: str, *, low: int, high: int) -> int:
    word = request.POST.get(name, "")
    if not (word.isascii() and word.isdigit()) or not low <= int(word[:12]) <= high:
        text = f"Write a whole number from {low:,} to {high:,}, not {word!r:.40}."
        raise Invalid(text, field=name)
    return int(word)
