"""The admins' page of model versions and rounds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotator.errors import DomainError, Invalid
from annotator.models import ModelVersion, Person
from annotator.queries.comparisons import (
    Comparison,
    comparison_between,
    comparison_in,
    comparison_of,
    judged_pairs,
    open_comparisons,
)
from annotator.queries.jobs import find_job, find_round, newest_registrations
from annotator.queries.model_history import (
    ProjectRounds,
    project_rounds,
    version_rows,
)
from annotator.queries.model_versions import (
    all_model_versions,
    current_model_version,
    find_model_version,
    promotions,
)
from annotator.queries.scope import find_project, require_admin, visible_projects
from annotator.services.bundles import promote, roll_back
from annotator.services.checkpoints import checkpoints, start_registration
from annotator.services.comparisons import start_comparison, stop_model_job
from annotator.services.rounds import RoundSettings, cancel_round, read_log, start_round
from annotator.services.schedules import set_schedule
from annotator.views.page import page, render_page, signed_in_person
from annotator.views.round_forms import (
    written_id,
    written_project,
    written_schedule,
    written_settings,
    written_start,
)
from common.architectures import ARCHITECTURES

MAX_REASON = 2000
PROMOTIONS_SHOWN = 20
PAIRS_SHOWN = 20
REGISTRATIONS_SHOWN = 5
LOG_LINES_SHOWN = 12
LOSS = "loss_1"  # after the first simulated click
CURVE_WIDTH, CURVE_HEIGHT = 240.0, 48.0


@require_safe
@page
def models(request: HttpRequest) -> HttpResponse:
    return _models(request, _admin(request))


@require_safe
@page
def model(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """A version beside the one in use, or the one it came from."""
    _admin(request)
    version = find_model_version(model_id=version_id)
    comparison = comparison_of(version)
    return render_page(
        request,
        "model.html",
        current="models",
        version=version,
        round=getattr(version, "round", None),
        in_use=current_model_version(),
        **_measured(comparison),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def compare(request: HttpRequest) -> HttpResponse:
    """Two chosen versions beside each other; a POST has them measured."""
    admin = _admin(request)
    if request.method != "POST":
        return _compare(request, request.GET)
    try:
        base, candidate = _written_versions(request.POST)
        if base is None or candidate is None:
            raise Invalid("Choose two versions.", field="candidate")
        start_comparison(base=base, candidate=candidate, by=admin)
    except DomainError as error:
        return _compare(request, request.POST, fault=error)
    return HttpResponseRedirect(_address_of(base, candidate))


def _address_of(base: ModelVersion, candidate: ModelVersion) -> str:
    """Where two versions stand beside each other."""
    return f"/models/compare?base={base.pk}&candidate={candidate.pk}"


@require_POST
@page
def register(request: HttpRequest) -> HttpResponse:
    """Starts registering a checkpoint of the server's folder."""
    admin = _admin(request)
    try:
        start_registration(
            file=request.POST.get("file", ""),
            architecture=request.POST.get("architecture", ""),
            by=admin,
        )
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def cancel_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Stops a comparison or a registration."""
    admin = _admin(request)
    job = find_job(job_id=job_id)
    try:
        stop_model_job(job=job, by=admin)
    except DomainError as error:
        return _models(request, admin, fault=error)
    pair = job.comparisons.first()
    return HttpResponseRedirect(
        "/models" if pair is None else _address_of(pair.base, pair.candidate)
    )


@require_POST
@page
def promote_version(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Puts a version to use, if what the admin saw as current still is."""
    admin = _admin(request)
    version = find_model_version(model_id=version_id)
    is_sure = request.POST.get("override") == "yes"
    try:
        expected = written_id(request.POST.get("expected_current", ""))
        promote(
            model_version=version,
            expected_current=expected,
            by=admin,
            override=is_sure,
            reason=request.POST.get("reason", "")[:MAX_REASON],
        )
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def roll_back_version(request: HttpRequest) -> HttpResponse:
    admin = _admin(request)
    try:
        roll_back(by=admin)
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def start(request: HttpRequest) -> HttpResponse:
    """Starts a round of one project on its accepted masks."""
    admin = _admin(request)
    try:
        project = find_project(person=admin, project_id=written_project(request))
        start_round(
            project=project,
            by=admin,
            settings=written_settings(request),
            start=written_start(request),
        )
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def schedule(request: HttpRequest) -> HttpResponse:
    """Says when rounds of one project start by themselves."""
    admin = _admin(request)
    try:
        project = find_project(person=admin, project_id=written_project(request))
        wanted = written_schedule(request)
        settings = written_settings(request)
        set_schedule(project=project, wanted=wanted, settings=settings, by=admin)
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def cancel(request: HttpRequest, round_id: UUID) -> HttpResponse:
    admin = _admin(request)
    found = find_round(person=admin, round_id=round_id)
    try:
        cancel_round(round_=found, by=admin)
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


def _compare(
    request: HttpRequest, chosen: QueryDict, *, fault: DomainError | None = None
) -> HttpResponse:
    base, candidate = _written_versions(chosen)
    in_use = current_model_version()
    versions = list(all_model_versions())
    base = base or in_use or (versions[-1] if versions else None)
    others = [version for version in versions if version != base]
    candidate = candidate or (others[0] if others else base)
    pair = base and candidate and comparison_between(base, candidate)
    return render_page(
        request,
        "compare.html",
        current="models",
        status=fault.status if fault else 200,
        fault=fault.message if fault else "",
        versions=versions,
        in_use=in_use,
        base=base,
        candidate=candidate,
        pair=pair,
        others=judged_pairs(limit=PAIRS_SHOWN),
        **(_measured(comparison_in(pair)) if pair and pair.compared_at else {}),
    )


def _written_versions(
    chosen: QueryDict,
) -> tuple[ModelVersion | None, ModelVersion | None]:
    """Base and candidate that a form names; None for an empty field or what is no id."""
    try:
        ids = [written_id(chosen.get(name, "")) for name in ("base", "candidate")]
    except Invalid:
        return None, None
    base, candidate = (None if one is None else find_model_version(model_id=one) for one in ids)
    return base, candidate


def _measured(comparison: Comparison) -> dict[str, object]:
    """What `parts/side_by_side.html` needs."""
    return {
        "comparison": comparison,
        "shown_cases": [("Gained most", comparison.best), ("Lost most", comparison.worst)],
        "pictures": f"/api/v1/model-comparisons/{comparison.pair_id}/pictures",
    }


def _models(
    request: HttpRequest, admin: Person, *, fault: DomainError | None = None
) -> HttpResponse:
    projects = project_rounds(
        projects=visible_projects(admin).filter(archived_at=None), now=timezone.now()
    )
    versions = version_rows()
    return render_page(
        request,
        "models.html",
        current="models",
        status=fault.status if fault else 200,
        versions=versions,
        in_use=next((row.version for row in versions if row.is_current), None),
        projects=projects,
        running=[_running(one) for one in projects if one.is_running],
        comparing=list(open_comparisons()),
        checkpoints=checkpoints(),
        checkpoint_folder=settings.CHECKPOINT_FOLDER,
        architectures=ARCHITECTURES,
        registrations=newest_registrations(limit=REGISTRATIONS_SHOWN),
        promotions=list(promotions()[:PROMOTIONS_SHOWN]),
        defaults=RoundSettings(),
        fault=fault.message if fault else "",
    )


def _running(one: ProjectRounds) -> dict[str, object]:
    """The open round of a project with its log and the curve of its loss."""
    row = next(row for row in one.rounds if row.is_open)
    log = read_log(round_=row.round)
    return {
        "project": one.project,
        "row": row,
        "lines": [_log_line(entry) for entry in reversed(log[-LOG_LINES_SHOWN:])],
        "curve": _curve([float(entry[LOSS]) for entry in log if LOSS in entry]),
    }


def _log_line(entry: dict[str, Any]) -> str:
    """One entry of the training log: the step first, then the measured numbers in three decimals."""
    rest = [name for name in entry if name not in {"step", "share", "lr", "input_size"}]
    numbers = [f"{name} {entry[name]:.3f}" for name in rest if isinstance(entry[name], int | float)]
    return "  ".join([f"step {entry.get('step', '?'):>6}", *numbers])


def _curve(values: list[float]) -> str:
    """The losses as points of an SVG polyline, CURVE_WIDTH × CURVE_HEIGHT; empty under two points."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    across = CURVE_WIDTH / (len(values) - 1)
    down = CURVE_HEIGHT / ((high - low) or 1.0)
    return " ".join(
        f"{n * across:.1f},{(high - value) * down:.1f}" for n, value in enumerate(values)
    )


def _admin(request: HttpRequest) -> Person:
    person = signed_in_person(request)
    require_admin(person)
    return person
