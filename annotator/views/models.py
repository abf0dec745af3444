"""The admins' page of model versions and rounds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError, Invalid
from annotator.models import MAX_ROUND_MASKS, Person, ScheduleKind, TrainingMasks
from annotator.queries.comparisons import comparison_of
from annotator.queries.jobs import find_round
from annotator.queries.model_history import (
    ProjectRounds,
    project_rounds,
    version_rows,
)
from annotator.queries.model_versions import (
    current_model_version,
    find_model_version,
    promotions,
)
from annotator.queries.scope import find_project, require_admin, visible_projects
from annotator.services.bundles import promote, roll_back
from annotator.services.rounds import RoundSettings, cancel_round, read_log, start_round
from annotator.services.schedules import WantedSchedule, set_schedule
from annotator.views.page import page, render_page, signed_in_person

MAX_MINUTES = 24 * 60.0
MAX_STEPS = 1_000_000
MAX_REASON = 2000
PROMOTIONS_SHOWN = 20
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
    """A version beside the one it came from."""
    _admin(request)
    version = find_model_version(model_id=version_id)
    comparison = comparison_of(version)
    return render_page(
        request,
        "model.html",
        current="models",
        comparison=comparison,
        shown_cases=[("Gained most", comparison.best), ("Lost most", comparison.worst)],
        version=version,
        round=getattr(version, "round", None),
        in_use=current_model_version(),
        pictures=f"/api/v1/models/{version.id}/comparison/pictures",
    )


@require_POST
@page
def promote_version(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Puts a version to use, if what the admin saw as current still is."""
    admin = _admin(request)
    version = find_model_version(model_id=version_id)
    is_sure = request.POST.get("override") == "yes"
    try:
        expected = _written_id(request.POST.get("expected_current", ""))
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
        project = find_project(person=admin, project_id=_written_project(request))
        start_round(project=project, by=admin, settings=_written_settings(request))
    except DomainError as error:
        return _models(request, admin, fault=error)
    return HttpResponseRedirect("/models")


@require_POST
@page
def schedule(request: HttpRequest) -> HttpResponse:
    """Says when rounds of one project start by themselves."""
    admin = _admin(request)
    try:
        project = find_project(person=admin, project_id=_written_project(request))
        kind = request.POST.get("kind", "")
        if kind not in ScheduleKind.values:
            raise Invalid("Choose when rounds start by themselves.", field="kind")
        wanted = WantedSchedule(
            kind=kind,
            hour=int(_written_number(request, "hour", WantedSchedule.hour, 0, 23)),
            num_masks=int(
                _written_number(request, "num_masks", WantedSchedule.num_masks, 1, MAX_ROUND_MASKS)
            ),
        )
        settings = _written_settings(request)
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


# ---- reading forms -------------------------------------------------------------------------------


def _written_id(text: str) -> UUID | None:
    """None for an empty field; raises `Invalid` for what is no id."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no id.") from error


def _written_project(request: HttpRequest) -> UUID:
    project_id = _written_id(request.POST.get("project", ""))
    if project_id is None:
        raise Invalid("Name the project to retrain on.", field="project")
    return project_id


def _written_settings(request: HttpRequest) -> RoundSettings:
    defaults = RoundSettings()
    training_masks = request.POST.get("training_masks", defaults.training_masks)
    if training_masks not in TrainingMasks.values:
        raise Invalid("Choose which masks a round trains on.", field="training_masks")
    return RoundSettings(
        steps=int(_written_number(request, "steps", defaults.steps, 1, MAX_STEPS)),
        minutes=_written_number(request, "minutes", defaults.minutes, 0.1, MAX_MINUTES),
        train_encoder=request.POST.get("train_encoder") == "on",
        training_masks=training_masks,
    )


def _written_number(
    request: HttpRequest, name: str, default: float, low: float, high: float
) -> float:
    text = request.POST.get(name, "") or str(default)
    try:
        number = float(text)
    except ValueError as error:
        raise Invalid(f"{name}: {text[:40]!r} is no number.", field=name) from error
    if not low <= number <= high:
        raise Invalid(f"{name}: {text[:40]} is not between {low:g} and {high:g}.", field=name)
    return number
