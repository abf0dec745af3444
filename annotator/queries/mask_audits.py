"""What audits found: the share of masks that a careful correction hardly changes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from annotator.models import AuditedMask, MaskAudit, Project
from common.intervals import share_interval

LEVELS = (0.90, 0.75)  # of IoU, as the paper reports them (section 5)


@dataclass(frozen=True)
class Level:
    """How many decided masks are above one IoU; share and its 95 % interval are None before the first."""

    iou: float
    num_above: int
    share: float | None
    interval: tuple[float, float] | None

    @property
    def percent_low(self) -> int:
        return int(100 * self.interval[0]) if self.interval else 0

    @property
    def percent_high(self) -> int:
        return -int(-100 * self.interval[1] // 1) if self.interval else 0


@dataclass(frozen=True)
class AuditResult:
    audit: MaskAudit
    num_masks: int
    num_decided: int
    mean_iou: float | None
    levels: list[Level]

    @property
    def num_left(self) -> int:
        return self.num_masks - self.num_decided


def audits_of(project: Project) -> QuerySet[MaskAudit]:
    """Newest first."""
    return MaskAudit.objects.filter(project=project).order_by("-created_at", "id")


def audited_masks(audit: MaskAudit) -> QuerySet[AuditedMask]:
    """The pairs of an audit in a fixed order."""
    return (
        AuditedMask.objects.filter(audit=audit)
        .select_related("mask__image", "review")
        .order_by("mask__image__order_index", "mask__image_id", "mask__order_index", "id")
    )


def audit_result(audit: MaskAudit) -> AuditResult:
    """The numbers of an audit as far as it has come."""
    rows = list(
        AuditedMask.objects.filter(audit=audit).values_list("mask__image_id", "iou").order_by("id")
    )
    decided = [(image, iou) for image, iou in rows if iou is not None]
    mean = sum(iou for _, iou in decided) / len(decided) if decided else None
    levels = [_level(level, decided) for level in LEVELS]
    return AuditResult(audit, len(rows), len(decided), mean, levels)


def _level(level: float, decided: list[tuple[object, float]]) -> Level:
    held = [(image, iou > level) for image, iou in decided]
    num_above = sum(holds for _, holds in held)
    share = num_above / len(held) if held else None
    return Level(level, num_above, share, share_interval(held))
