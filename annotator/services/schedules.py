"""Rounds that start by themselves: every night, or after so many new masks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from annotator.errors import Conflict, Invalid
from annotator.models import (
    DEFAULT_ROUND_HOUR,
    DEFAULT_ROUND_MASKS,
    JobKind,
    Person,
    Project,
    RoundSchedule,
    ScheduleKind,
    TrainingMasks,
)
from annotator.queries.training_sets import has_new_masks
from annotator.services.audit import record_act
from annotator.services.hints import send_hint
from annotator.services.jobs import open_jobs
from annotator.services.rounds import RoundSettings, start_round

PAUSE = timedelta(minutes=1)  # after an attempt, before new masks are looked for again
log = structlog.get_logger("maskwright.schedules")


@dataclass(frozen=True, kw_only=True)
class WantedSchedule:
    """What an admin asks for; what its kind does not use is kept for the day it does."""

    kind: str  # of ScheduleKind
    hour: int = DEFAULT_ROUND_HOUR
    num_masks: int = DEFAULT_ROUND_MASKS


def set_schedule(
    *, project: Project, wanted: WantedSchedule, settings: RoundSettings, by: Person
) -> RoundSchedule:
    """Replaces the project's schedule. Nights that are over start nothing.

    Raises `Invalid` for rounds on earlier masks: new ones would wait for ever, and start them for ever.
    """
    if settings.training_masks == TrainingMasks.EARLIER:
        raise Invalid(
            "Rounds on earlier masks are for comparison; they cannot start by themselves.",
            field="training_masks",
        )
    with transaction.atomic():
        schedule, _ = RoundSchedule.objects.update_or_create(
            project=project,
            defaults={**asdict(wanted), "settings": asdict(settings), "done_until": timezone.now()},
        )
        record_act(
            person=by,
            project=project,
            act="schedule.set",
            subject=str(project.id),
            detail=asdict(wanted),
        )
    return schedule


def start_due_rounds(*, now: datetime | None = None) -> None:
    """Starts what is due, once, also after a night in which nothing ran; called by the tick, safe in two at once."""
    moment = now or timezone.now()
    waiting = RoundSchedule.objects.exclude(kind=ScheduleKind.OFF).filter(project__archived_at=None)
    for project_id in waiting.values_list("project_id", flat=True):
        with transaction.atomic():
            row = RoundSchedule.objects.select_for_update(skip_locked=True, of=("self",))
            schedule = row.select_related("project").filter(project_id=project_id).first()
            started = (
                schedule is not None and _is_due(schedule, moment) and _start(schedule, moment)
            )
        if schedule is not None and started:
            send_hint(project=schedule.project, kind="jobs")


def last_night(*, hour: int, now: datetime) -> datetime:
    """The latest moment not after `now` at which a clock in UTC showed that full hour."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _is_due(schedule: RoundSchedule, now: datetime) -> bool:
    """A round that is still running is waited for."""
    if open_jobs(kind=JobKind.TRAIN).filter(subject=str(schedule.project_id)).exists():
        return False
    if schedule.kind == ScheduleKind.NIGHTLY:
        return schedule.done_until < last_night(hour=schedule.hour, now=now)
    is_paused = now < schedule.done_until + PAUSE
    return not is_paused and has_new_masks(schedule.project, num=schedule.num_masks)


def _start(schedule: RoundSchedule, now: datetime) -> bool:
    """Whether a round was started; without new masks there is none, and that night is dealt with."""
    schedule.done_until = now
    schedule.save(update_fields=["done_until"])
    try:
        settings = RoundSettings(**schedule.settings)
        start_round(project=schedule.project, by=None, settings=settings)
    except (Conflict, Invalid) as reason:
        log.info("no scheduled round", project=str(schedule.project_id), reason=reason.message)
        return False
    return True
