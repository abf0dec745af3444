"""What the forms for rounds say."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from annotator.errors import Invalid
from annotator.models import MAX_ROUND_MASKS, ModelVersion, ScheduleKind, TrainingMasks
from annotator.queries.model_versions import find_model_version
from annotator.services.rounds import RoundSettings
from annotator.services.schedules import WantedSchedule

MAX_MINUTES = 24 * 60.0
MAX_STEPS = 1_000_000


def written_id(text: str) -> UUID | None:
    """None for an empty field; raises `Invalid` for what is no id."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no id.") from error


def written_project(request: HttpRequest) -> UUID:
    """The project to retrain on. Raises `Invalid`."""
    project_id = written_id(request.POST.get("project", ""))
    if project_id is None:
        raise Invalid("Name the project to retrain on.", field="project")
    return project_id


def written_start(request: HttpRequest) -> ModelVersion | None:
    """The version a round begins with; None for the one in use. Raises `Invalid` and `NotInScope`."""
    model_id = written_id(request.POST.get("start_from", ""))
    return None if model_id is None else find_model_version(model_id=model_id)


def written_settings(request: HttpRequest) -> RoundSettings:
    """What a round is to do. Raises `Invalid`."""
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


def written_schedule(request: HttpRequest) -> WantedSchedule:
    """When rounds are to start by themselves. Raises `Invalid`."""
    kind = request.POST.get("kind", "")
    if kind not in ScheduleKind.values:
        raise Invalid("Choose when rounds start by themselves.", field="kind")
    return WantedSchedule(
        kind=kind,
        hour=int(_written_number(request, "hour", WantedSchedule.hour, 0, 23)),
        num_masks=int(
            _written_number(request, "num_masks", WantedSchedule.num_masks, 1, MAX_ROUND_MASKS)
        ),
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
