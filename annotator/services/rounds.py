"""Rounds: freeze the accepted masks, retrain on them, register the candidate that comes back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotator.errors import Conflict, Invalid
from annotator.models import (
    Job,
    JobKind,
    JobState,
    ModelVersion,
    Person,
    Project,
    Round,
    TrainingMasks,
)
from annotator.queries.jobs import rounds_of
from annotator.queries.model_versions import current_model_version
from annotator.queries.replays import replay_cases, team_pace
from annotator.queries.training_sets import (
    has_new_masks,
    held_out_masks,
    learning_rounds,
    snapshot_masks,
    usable_masks,
)
from annotator.services.audit import record_act
from annotator.services.bundles import register_prefix
from annotator.services.comparisons import keep_comparison, put_cases, put_snapshot
from annotator.services.hints import send_hint
from annotator.services.jobs import (
    WantedJob,
    cancel_job,
    create_job,
    open_jobs,
    out_prefix,
    reported_bundle,
)
from annotator.services.stores import file_storage
from common.json_lines import read_whole_lines
from common.snapshots import SnapshotMask, read_snapshot

LOG_LINES = 200
DECODER_RATE, WHOLE_RATE = 3e-4, 2e-4  # learning rates, docs/decisions/small-rounds.md


@dataclass(frozen=True, kw_only=True)
class RoundSettings:
    """How a round trains. The defaults fit two processor cores and a few minutes."""

    steps: int = 100
    minutes: float = 8.0
    learning_rate: float | None = None  # None: what suits the part that is trained
    train_encoder: bool = False  # with it every embedding must be made again
    training_masks: str = TrainingMasks.ALL.value
    images_per_batch: int = 2
    masks_per_image: int = 2
    rounds: int = 6  # interaction rounds per mask; the paper has 11
    held_out_images: int = 50  # at most so many are scored
    seed: int = 1

    def with_rate(self) -> RoundSettings:
        """The same, the learning rate decided."""
        usual = WHOLE_RATE if self.train_encoder else DECODER_RATE
        return replace(self, learning_rate=self.learning_rate or usual)


def start_round(
    *,
    project: Project,
    by: Person | None,
    settings: RoundSettings | None = None,
    start: ModelVersion | None = None,
) -> Round:
    """Freezes the accepted masks and queues a training job.

    Training begins with the weights of `start`, which may be of another architecture, else with those in use.
    Either way the candidate is compared with the version in use.
    Raises `Conflict` (round_running, no_model) or `Invalid` (nothing_new, no_earlier_round).
    """
    chosen = (settings or RoundSettings()).with_rate()
    base = current_model_version()
    if base is None:
        raise Conflict("No model was promoted yet.", code="no_model")
    if project.archived_at is not None:
        raise Conflict("The project is archived.", code="archived")
    with transaction.atomic():
        # One start at a time per project: of two at once the second sees the first one's job.
        Project.objects.select_for_update().get(id=project.id)
        if open_jobs(kind=JobKind.TRAIN).filter(subject=str(project.id)).exists():
            raise Conflict("A round of this project is running.", code="round_running")
        started = _start(project, by, chosen, base, start or base)
    send_hint(project=project, kind="jobs")
    return started


def cancel_round(*, round_: Round, by: Person) -> Round:
    """Stops the training of a round. Raises `Conflict` when it has ended."""
    with transaction.atomic():
        cancel_job(job_id=round_.job_id)
        record_act(person=by, project=round_.project, act="round.cancelled", subject=str(round_.id))
    round_.refresh_from_db()
    send_hint(project=round_.project, kind="jobs")
    return round_


def register_candidate(*, job: Job, result: dict[str, Any]) -> ModelVersion:
    """Inside a transaction: the bundle of a finished training job becomes the round's candidate.

    Raises `Invalid` when the bundle is incomplete or damaged.
    """
    round_ = Round.objects.select_related("base", "start", "project").get(job=job)
    candidate = register_prefix(
        prefix=reported_bundle(job=job, result=result),
        name=f"{round_.origin.manifest['name']}, {round_.project.name[:80]} round {round_.number}",
        parent=round_.origin,
    )
    keep_comparison(base=round_.base, candidate=candidate, job=job, result=result)
    if not Round.objects.filter(candidate=candidate).exists():
        round_.candidate = candidate
        round_.save(update_fields=["candidate"])
    return candidate


def read_log(*, round_: Round) -> list[dict[str, Any]]:
    """The last lines of the training log: step, losses, mean IoU, minutes."""
    try:
        content = file_storage().read_bytes(f"{out_prefix(round_.job)}/log.jsonl")
    except FileNotFoundError:
        return []
    return read_whole_lines(content)[-LOG_LINES:]


def _start(
    project: Project,
    by: Person | None,
    settings: RoundSettings,
    base: ModelVersion,
    start: ModelVersion,
) -> Round:
    wants_new = settings.training_masks != TrainingMasks.EARLIER
    if wants_new and not has_new_masks(project, num=1) and not _last_failed(project):
        raise Invalid("Nothing was accepted since the last round.", code="nothing_new")
    # The job's time is before the snapshot's: what is accepted in between counts as new later.
    job, _ = create_job(kind=JobKind.TRAIN, wanted=WantedJob(subject=str(project.id), request={}))
    masks = _chosen_masks(project, settings.training_masks)
    if not any(mask.split == "train" for mask in masks):
        takes_all = settings.training_masks == TrainingMasks.ALL
        which = "accepted" if takes_all else settings.training_masks
        raise Invalid(
            f"Every {which} mask is on an image kept for scoring: there is none to train on.",
            code="nothing_new",
        )
    key = put_snapshot(masks)
    job.request = {
        "snapshot_key": key,
        "cases_key": put_cases(replay_cases(project)),
        "pace": asdict(team_pace()),
        "group": str(project.id),
        "base_bundle_fingerprint": base.bundle_fingerprint,
        "start_bundle_fingerprint": start.bundle_fingerprint,
        "settings": asdict(settings),
        "out_prefix": out_prefix(job),
    }
    job.save(update_fields=["request"])
    last = Round.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    started = Round.objects.create(
        project=project,
        number=last + 1,
        job=job,
        snapshot_key=key,
        num_images=len({mask.image_sha256 for mask in masks}),
        num_masks=len(masks),
        base=base,
        start=None if start == base else start,
        settings=asdict(settings),
        started_by=by,
    )
    record_act(
        person=by,
        project=project,
        act="round.started",
        subject=str(started.id),
        detail={"number": started.number, "masks": started.num_masks},
    )
    return started


def _chosen_masks(project: Project, training_masks: str) -> list[SnapshotMask]:
    """What goes into the snapshot of a round that trains on those (of `TrainingMasks`)."""
    if training_masks == TrainingMasks.EARLIER:
        return _earlier_masks(project)
    return snapshot_masks(project, only_new=training_masks == TrainingMasks.NEW)


def _earlier_masks(project: Project) -> list[SnapshotMask]:
    """To train on those of the last round that has a candidate, at the versions it had; to score on those of now.

    Masks that were withdrawn, deleted or taken back since are left out, and an image that is kept for
    scoring by now is not trained on.
    """
    last = rounds_of(project).filter(candidate__isnull=False).first()
    if last is None:
        raise Invalid(
            "There is no earlier round whose masks it could take.", code="no_earlier_round"
        )
    usable = usable_masks(project).filter(image__held_out=False).values_list("id", flat=True)
    ids = {str(mask_id) for mask_id in usable}
    before = read_snapshot(file_storage().read_bytes(last.snapshot_key))
    trained_on = [mask for mask in before if mask.split == "train" and mask.mask_id in ids]
    return trained_on + held_out_masks(project)


def _last_failed(project: Project) -> bool:
    last = learning_rounds(project).first()
    return last is not None and last.job.state in [JobState.FAILED, JobState.CANCELLED]
