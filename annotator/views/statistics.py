"""The statistics page: a project's masks as the paper shows its data set, beside a second project or a round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from annotator.errors import DomainError, Invalid
from annotator.models import Project
from annotator.queries.round_history import dividing_rounds
from annotator.queries.statistics import (
    CENTRE_CELLS,
    Bin,
    Distribution,
    MaskStatistics,
    comparable_projects,
    mask_statistics,
)
from annotator.views.page import managed_project, page, render_page, signed_in_person

# A chart in its own units.
WIDTH, HEIGHT = 480.0, 180.0
LEFT, TOP, BOTTOM = 52.0, 12.0, 156.0
BAR = 0.9  # share of a bin that its bar takes
CELL = 16.0  # of the map of centres


@dataclass(frozen=True)
class Row:
    """One bin of a chart and its table: shares in percent, the others' None when nothing is compared."""

    label: str
    count: int
    share: float
    other_count: int | None
    other_share: float | None
    x: float
    end: float
    height: float
    other_height: float

    @property
    def y(self) -> float:
        return BOTTOM - self.height

    @property
    def other_y(self) -> float:
        return BOTTOM - self.other_height

    @property
    def middle(self) -> float:
        return (self.x + self.end) / 2

    @property
    def bar_width(self) -> float:
        return (self.end - self.x) * BAR


@dataclass(frozen=True)
class Chart:
    """A distribution as bars, with another one as outlines; `top` is the share at the upper line, in percent."""

    id: str
    heading: str
    definition: str
    bin_name: str
    rows: list[Row]
    top: float
    mean: float | None
    other_mean: float | None
    ends: (
        tuple[str, str] | None
    )  # what stands under the first and last bar; None: each has its label
    num_waiting: int = 0  # masks that are not measured yet


@dataclass(frozen=True)
class Cell:
    """One cell of the map of centres; `opacity` is 1 where most masks are."""

    x: float
    y: float
    count: int
    opacity: float


WORDS = {
    "masks-per-image": (
        "Masks per image",
        "masks",
        "Accepted masks of each image that has one; the bars are images. The bins are the paper's (figure 6).",
    ),
    "relative-size": (
        "Relative size",
        "size",
        "The root of mask area by image area: the side of a square of that area, in shares of a square image.",
    ),
    "concavity": (
        "Concavity",
        "concavity",
        "1 minus mask area by the area of its convex hull: 0 for a filled rectangle, larger for rings and branches."
        " The checks measure it in the background, seconds after a mask was accepted and in turn after a large import.",
    ),
}


@require_safe
@page
def statistics(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = managed_project(request, project_id)
    part, wanted = request.GET.get("of", ""), request.GET.get("with", "")
    round_number, name, other, fault = None, "", None, ""
    try:
        round_number = _round(part) if part else None
        numbers = mask_statistics(project, round_number=round_number)
        name, other = _compared(request, project, wanted)
    except DomainError as error:
        round_number, fault = None, error.message
        numbers = mask_statistics(project)
    rounds = _rounds(project)
    own_name = project.name if round_number is None else f"round {round_number}"
    return render_page(
        request,
        "statistics.html",
        project=project,
        current="statistics",
        status=422 if fault else 200,
        fault=fault,
        numbers=numbers,
        other=other,
        other_name=name,
        own_name=own_name,
        round_number=round_number,
        part=part,
        wanted=wanted,
        charts=_charts(numbers, other),
        maps=[(own_name, _cells(numbers)), *([(name, _cells(other))] if other else [])],
        map_side=CELL * CENTRE_CELLS,
        cell=CELL,
        rounds=rounds,
        choices=[*rounds, *_others(request, project)],
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        top=TOP,
        middle=(TOP + BOTTOM) / 2,
        centre=(LEFT + WIDTH) / 2,
        bottom=BOTTOM,
    )


def _rounds(project: Project) -> list[tuple[str, str]]:
    """Parts of the project, and how they are called."""
    return [
        (f"round:{one.number}", f"masks of round {one.number}") for one in dividing_rounds(project)
    ]


def _others(request: HttpRequest, project: Project) -> list[tuple[str, str]]:
    others = comparable_projects(signed_in_person(request), other_than=project)
    return [(f"project:{one.pk}", one.name) for one in others]


def _round(word: str) -> int:
    """The number in "round:3"."""
    kind, _, number = word.partition(":")
    if kind != "round" or not (number.isascii() and number.isdigit()):
        raise Invalid("The project has no part of that name.", field="of")
    return int(number[:9])


def _compared(
    request: HttpRequest, project: Project, wanted: str
) -> tuple[str, MaskStatistics | None]:
    """Name and numbers of what `wanted` says, "round:3" or "project:<id>"; none for ""."""
    kind, _, word = wanted.partition(":")
    if not kind:
        return "", None
    if kind == "round":
        number = _round(wanted)
        return f"round {number}", mask_statistics(project, round_number=number)
    if kind == "project":
        others = comparable_projects(signed_in_person(request), other_than=project)
        found = {str(one.pk): one for one in others}.get(word)
        if found is not None:
            return found.name, mask_statistics(found)
    raise Invalid("There is nothing of that name to compare with.", field="with")


def _charts(numbers: MaskStatistics, other: MaskStatistics | None) -> list[Chart]:
    concavity = _chart("concavity", numbers.concavity, other and other.concavity)
    return [
        _chart("masks-per-image", numbers.masks_per_image, other and other.masks_per_image),
        _chart("relative-size", numbers.relative_size, other and other.relative_size),
        replace(concavity, num_waiting=numbers.num_masks - numbers.concavity.count),
    ]


def _chart(id: str, own: Distribution, other: Distribution | None) -> Chart:
    heading, bin_name, definition = WORDS[id]
    shares = [100 * own.share(one) for one in own.bins]
    other_bins = other.bins if other else own.bins
    other_shares = [100 * other.share(one) for one in other_bins] if other else None
    highest = max([*shares, *(other_shares or [])])
    top = 10.0 * max(1.0, -(-highest // 10.0))
    step = (WIDTH - LEFT) / len(own.bins)
    scale = (BOTTOM - TOP) / top
    rows = [
        Row(
            label=_label(one),
            count=one.count,
            share=shares[n],
            other_count=other_bins[n].count if other else None,
            other_share=other_shares[n] if other_shares else None,
            x=LEFT + n * step,
            end=LEFT + (n + 1) * step,
            height=shares[n] * scale,
            other_height=other_shares[n] * scale if other_shares else 0.0,
        )
        for n, one in enumerate(own.bins)
    ]
    mean, other_mean = own.mean, other.mean if other else None
    ends = None if id == "masks-per-image" else ("0", "1")
    return Chart(id, heading, definition, bin_name, rows, top, mean, other_mean, ends)


def _label(bin: Bin) -> str:
    if bin.high is None:
        return f"over {bin.low - 1:.0f}"
    if bin.high > 1:
        return f"{bin.low:.0f} to {bin.high:.0f}"
    return f"{bin.low:.2f} to {bin.high:.2f}"


def _cells(numbers: MaskStatistics) -> list[Cell]:
    most = max(max(row) for row in numbers.centres) or 1
    return [
        Cell(column * CELL, row * CELL, count, count / most)
        for row, counts in enumerate(numbers.centres)
        for column, count in enumerate(counts)
    ]
