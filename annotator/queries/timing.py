"""Where the time of a mask went, derived from the interaction log alone.

A page's log is cut into segments: a segment begins when an assignment opens or after an accept or give-up, and
ends with the next one. The segment that ends with a mask's accept is that mask's, together with what earlier pages
recorded about it before they were left (a reload in the middle of a mask). Within a segment the time between
two acts belongs to what the later act is: strokes are painting, decodes waiting (as long as the decoder took),
clicks prompting, the rest looking. Time in which the page was hidden or the person idle is idle, never active.
Only the page's own monotonic clock counts; when it makes no sense the times are null and the row is flagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from django.db.models import Max, Min, QuerySet

from annotator.models import Interaction

PROMPT_KINDS = frozenset(
    {"point", "point_moved", "point_removed", "box", "candidate", "undo", "redo", "clear"}
)
BOUNDARY_KINDS = frozenset({"open", "accept", "give_up"})
ACTED_KINDS = PROMPT_KINDS | {"stroke", "decode"}
LONGEST_GAP_MS = 5 * 60_000.0  # more without a sign of life is idle, marked or not
LONGEST_SEGMENT_MS = 12 * 3_600_000.0


@dataclass(frozen=True)
class Act:
    """One interaction as timing needs it; times in milliseconds of the page's clock."""

    kind: str
    at_ms: float | None
    took_ms: float | None = None  # a decode's latency or a stroke's duration
    painted_px: int = 0
    erased_px: int = 0


@dataclass(frozen=True)
class Timing:
    """Milliseconds per phase and counts; all times are None when the clock makes no sense."""

    looking_ms: float | None = 0.0
    prompting_ms: float | None = 0.0
    waiting_ms: float | None = 0.0
    painting_ms: float | None = 0.0
    idle_ms: float | None = 0.0
    num_points: int = 0
    num_boxes: int = 0
    num_candidate_switches: int = 0
    num_strokes: int = 0
    num_undos: int = 0
    painted_px: int = 0
    erased_px: int = 0
    decode_ms: list[float] = field(default_factory=list)
    flagged: str = ""

    @property
    def active_ms(self) -> float | None:
        parts = (self.looking_ms, self.prompting_ms, self.waiting_ms, self.painting_ms)
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None


def derive_timing(segments: Iterable[Sequence[Act]], *, is_complete: bool = True) -> Timing:
    """The timing of one mask from its segments, each in order of sequence."""
    segments = [list(segment) for segment in segments]
    acts = [act for segment in segments for act in segment]
    timing = _counts(acts)
    problem = next((found for segment in segments if (found := _nonsense(segment))), "")
    if not acts:
        problem = "no interactions"
    if problem:
        return _without_times(timing, problem)
    phases = {"looking": 0.0, "prompting": 0.0, "waiting": 0.0, "painting": 0.0, "idle": 0.0}
    for segment in segments:
        for phase, spent in _phases(segment):
            phases[phase] += spent
    times = {f"{name}_ms": round(spent, 3) for name, spent in phases.items()}
    return replace(timing, **times, flagged="" if is_complete else "the log has gaps")


def _without_times(timing: Timing, problem: str) -> Timing:
    return replace(
        timing,
        looking_ms=None,
        prompting_ms=None,
        waiting_ms=None,
        painting_ms=None,
        idle_ms=None,
        flagged=problem,
    )


def _nonsense(segment: Sequence[Act]) -> str:
    times = [act.at_ms for act in segment]
    known = [at_ms for at_ms in times if at_ms is not None]
    if len(known) != len(times):
        return "an interaction has no time"
    if any(later < earlier for earlier, later in pairwise(known)):
        return "the clock ran backwards"
    if known and known[-1] - known[0] > LONGEST_SEGMENT_MS:
        return "the mask took longer than half a day"
    return ""


def _counts(acts: Sequence[Act]) -> Timing:
    kinds = [act.kind for act in acts]
    return Timing(
        num_points=kinds.count("point"),
        num_boxes=kinds.count("box"),
        num_candidate_switches=kinds.count("candidate"),
        num_strokes=kinds.count("stroke"),
        num_undos=kinds.count("undo"),
        painted_px=sum(act.painted_px for act in acts),
        erased_px=sum(act.erased_px for act in acts),
        decode_ms=[act.took_ms for act in acts if act.kind == "decode" and act.took_ms is not None],
    )


def _phases(segment: Sequence[Act]) -> Iterable[tuple[str, float]]:
    """(phase, milliseconds) for each stretch between two acts."""
    hidden = idle = acted = False
    for before, act in pairwise(segment):
        hidden = {"hidden": True, "visible": False}.get(before.kind, hidden)
        idle = {"idle": True, "active": False, "visible": False}.get(before.kind, idle)
        acted = acted or before.kind in ACTED_KINDS
        gap = (act.at_ms or 0.0) - (before.at_ms or 0.0)
        if hidden or idle:
            yield "idle", gap
            continue
        if gap > LONGEST_GAP_MS:
            yield "idle", gap - LONGEST_GAP_MS
            gap = LONGEST_GAP_MS
        yield from _active(act, gap, acted=acted)


def _active(act: Act, gap: float, *, acted: bool) -> Iterable[tuple[str, float]]:
    took = gap if act.took_ms is None else min(max(act.took_ms, 0.0), gap)
    if act.kind == "decode":
        yield "waiting", took
        yield "prompting" if acted else "looking", gap - took
    elif act.kind == "stroke":
        yield "painting", took
        yield "looking", gap - took
    elif act.kind in PROMPT_KINDS and acted:
        yield "prompting", gap
    else:
        yield "looking", gap


# ---- the log -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoggedMask:
    """The segments of the mask that an accept ended; not complete while parts of the log are on their way."""

    segments: list[list[Act]]
    is_complete: bool


def segments_before(accept: Interaction) -> LoggedMask:
    """What the log holds about the mask that `accept` accepted.

    Only the rows of this mask's own stretches are read: an image may hold thousands of others.
    """
    logged = Interaction.objects.filter(
        assignment_id=accept.assignment_id, person_id=accept.person_id
    ).order_by("sequence", "received_at", "id")
    own = logged.filter(page=accept.page)
    segment = [*_tail(own, until=accept.sequence).exclude(id=accept.id), accept]
    began = own.aggregate(began=Min("received_at"))["began"]
    others = logged.filter(mask_id_hint=accept.mask_id_hint).exclude(page=accept.page)
    pages = others.order_by("page").values_list("page", flat=True).distinct()
    tails = [list(_tail(logged.filter(page=page))) for page in pages]
    earlier = [
        tail
        for tail in tails
        if any(row.mask_id_hint == accept.mask_id_hint for row in tail)
        and tail[0].received_at < began
    ]
    earlier.sort(key=lambda tail: tail[0].received_at)
    return LoggedMask(
        segments=[[_act(row) for row in rows] for rows in (*earlier, segment)],
        is_complete=_has_no_gaps(segment),
    )


def _tail(page: QuerySet[Interaction], *, until: int | None = None) -> QuerySet[Interaction]:
    """A page's rows from its last accept, give-up or `open` on; those before sequence `until` only.

    The end of the mask before is where the time of this one begins, so it is part of the tail.
    """
    rows = page if until is None else page.filter(sequence__lt=until)
    start = rows.filter(kind__in=BOUNDARY_KINDS).aggregate(start=Max("sequence"))["start"]
    return rows if start is None else rows.filter(sequence__gte=start)


def _has_no_gaps(segment: Sequence[Interaction]) -> bool:
    starts_well = segment[0].kind in BOUNDARY_KINDS or segment[0].sequence <= 1
    return starts_well and all(b.sequence - a.sequence <= 1 for a, b in pairwise(segment))


def _act(row: Interaction) -> Act:
    detail = row.detail if isinstance(row.detail, dict) else {}
    took = detail.get("latency_ms") if row.kind == "decode" else detail.get("duration_ms")
    return Act(
        kind=row.kind,
        at_ms=row.at_ms,
        took_ms=float(took) if _is_number(took) else None,
        painted_px=_pixels(detail.get("painted_px")),
        erased_px=_pixels(detail.get("erased_px")),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _pixels(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= 10**9 else 0
