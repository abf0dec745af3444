"""Model versions with their scores, and each project's rounds: what the models page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from annotator.models import (
    OPEN_STATES,
    Job,
    JobState,
    ModelVersion,
    Project,
    Promotion,
    Round,
    RoundSchedule,
)
from annotator.queries.jobs import rounds_of
from annotator.queries.model_versions import all_model_versions, current_model_version
from annotator.queries.schedules import schedule_of
from annotator.queries.training_sets import NewSince, new_since_last_round
from annotator.queries.verdicts import Verdict, verdicts_of

CLICKS_SHOWN = ("1", "3", "5")
ROUNDS_SHOWN = 8
LEAST_PROGRESS_FOR_ETA = 0.03


@dataclass(frozen=True)
class Score:
    """Mean IoU on held-out masks after a number of clicks; `change` is against the base version's."""

    clicks: str
    miou: float | None
    change: float | None


@dataclass(frozen=True)
class VersionRow:
    """A model version; `round` made it, or None for a registered bundle."""

    version: ModelVersion
    round: Round | None
    is_current: bool
    was_current: bool
    scores: list[Score]
    verdict: Verdict


@dataclass(frozen=True)
class RoundRow:
    """A round with how long it will still take; `left` is None while nothing can be said."""

    round: Round
    job: Job
    left: timedelta | None

    @property
    def left_words(self) -> str:
        """The rest in words; "" while nothing can be said."""
        if self.left is None:
            return ""
        minutes = round(self.left.total_seconds() / 60)
        return "less than a minute left" if minutes < 1 else f"about {minutes} min left"

    @property
    def is_open(self) -> bool:
        return self.job.state in OPEN_STATES


@dataclass(frozen=True)
class ProjectRounds:
    """One project on the models page: what is new, and its newest rounds, the newest first."""

    project: Project
    new: NewSince
    rounds: list[RoundRow]
    schedule: RoundSchedule

    @property
    def is_running(self) -> bool:
        return any(row.is_open for row in self.rounds)

    @property
    def may_start(self) -> bool:
        """New masks, or a last round that came to nothing; never two rounds at once."""
        last = self.rounds[0].job.state if self.rounds else None
        worth_it = self.new.num_new > 0 or last in {JobState.FAILED, JobState.CANCELLED}
        return worth_it and self.new.num_masks > 0 and not self.is_running


def version_rows() -> list[VersionRow]:
    """All versions, the newest first."""
    current = current_model_version()
    versions = list(all_model_versions())
    verdicts = verdicts_of(versions)
    promoted = set(Promotion.objects.values_list("model_version_id", flat=True))
    return [
        VersionRow(
            version=version,
            round=getattr(version, "round", None),
            is_current=current is not None and version.pk == current.pk,
            was_current=version.pk in promoted,
            scores=held_out_scores(version.scores),
            verdict=verdicts[version.pk],
        )
        for version in versions
    ]


def project_rounds(*, projects: QuerySet[Project], now: datetime) -> list[ProjectRounds]:
    """Each project with what a round would train on, and its newest rounds."""
    return [
        ProjectRounds(
            project=project,
            new=new_since_last_round(project),
            rounds=_newest_rounds(project, now),
            schedule=schedule_of(project),
        )
        for project in projects
    ]


def _newest_rounds(project: Project, now: datetime) -> list[RoundRow]:
    rounds = rounds_of(project)[:ROUNDS_SHOWN]
    return [RoundRow(one, one.job, _time_left(one.job, now)) for one in rounds]


def _time_left(job: Job, now: datetime) -> timedelta | None:
    """By the pace so far, from the moment the job was made: waiting in line counts as slow."""
    if job.state != JobState.RUNNING or job.progress < LEAST_PROGRESS_FOR_ETA:
        return None
    return (now - job.created_at) * ((1.0 - job.progress) / job.progress)


def held_out_scores(scores: dict[str, Any]) -> list[Score]:
    """The held-out scores of a bundle: measured before and after its round, or once when registered."""
    held_out = scores.get("held_out")
    if not isinstance(held_out, dict):
        return []
    after = _miou(held_out.get("after") or held_out)
    before = _miou(held_out.get("before"))
    shown = [Score(n, after.get(n), _change(after.get(n), before.get(n))) for n in CLICKS_SHOWN]
    return [score for score in shown if score.miou is not None]


def _miou(measured: object) -> dict[str, float]:
    found = measured.get("miou_at") if isinstance(measured, dict) else None
    if not isinstance(found, dict):
        return {}
    return {str(n): float(value) for n, value in found.items() if isinstance(value, int | float)}


def _change(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
