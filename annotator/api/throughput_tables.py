"""The dashboard's numbers as flat rows: the same names in JSON, in CSV and in docs/api.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from annotator.api.csv_text import csv_text
from annotator.queries.throughput.numbers import Line, Throughput

WITHOUT_MODEL = "painted without a model"

Row = dict[str, object]


def describe_line(line: Line) -> Row:
    """Every number of a line; shares are 0 to 1, what cannot be said is None."""
    work, endings, latency = line.work, line.endings, line.latency
    phases, effort = work.phases, work.effort
    return {
        "masks": work.masks,
        "timed_masks": work.timed_masks,
        "median_seconds_per_mask": work.seconds_per_mask.median,
        "p90_seconds_per_mask": work.seconds_per_mask.p90,
        "masks_per_active_hour": work.masks_per_active_hour,
        "active_hours": work.active_s / 3600,
        "idle_hours": work.idle_s / 3600,
        "looking_share": phases and phases.looking,
        "prompting_share": phases and phases.prompting,
        "waiting_share": phases and phases.waiting,
        "painting_share": phases and phases.painting,
        "points_per_mask": effort and effort.points,
        "boxes_per_mask": effort and effort.boxes,
        "candidate_switches_per_mask": effort and effort.candidate_switches,
        "painted_masks_share": effort and effort.painted_masks,
        "painted_pixels_share": effort and effort.painted_pixels,
        "given_up": line.given_up,
        "given_up_rate": line.given_up_rate,
        "images_submitted": endings.submitted,
        "images_skipped": endings.skipped,
        "skip_rate": endings.skip_rate,
        "masks_per_image": endings.masks_per_image,
        "decodes": latency.decodes,
        "median_decode_ms": latency.ms.median,
        "p90_decode_ms": latency.ms.p90,
        "last_accepted_at": work.last_accepted_at,
    }


def describe(numbers: Throughput) -> dict[str, object]:
    """The reply to GET projects/{id}/throughput."""
    period = numbers.period
    return {
        "at": period.now,
        "days": period.days,
        "masks": numbers.masks,
        "imported": numbers.imported,
        "images": {**asdict(numbers.images), "left": numbers.images.left},
        "forecast": asdict(numbers.forecast),
        "hours": [asdict(hour) for hour in numbers.hours],
        "whole": describe_line(numbers.whole),
        "by_day": [{"day": one.day, **describe_line(one.line)} for one in numbers.by_day],
        "by_person": [
            {"person": one.person, "name": one.name, **describe_line(one.line)}
            for one in numbers.by_person
        ],
        "by_model": [
            {
                "model_version": one.model_version,
                "name": one.name,
                "retrainings": one.retrainings,
                **describe_line(one.line),
            }
            for one in numbers.by_model
        ],
        "skip_reasons": [asdict(row) for row in numbers.skip_reasons],
    }


@dataclass(frozen=True)
class Table:
    """One chart's table: its columns, and where their rows come from."""

    columns: Sequence[str]
    rows: Callable[[Throughput], Iterator[Row]]


def table_csv(table: Table, numbers: Throughput) -> str:
    """The table with a heading line; numbers that are missing are empty cells."""
    return csv_text(table.columns, table.rows(numbers))


def _hours(numbers: Throughput) -> Iterator[Row]:
    return (asdict(hour) for hour in numbers.hours)


def _images(numbers: Throughput) -> Iterator[Row]:
    left = {"left": numbers.images.left}
    yield {**asdict(numbers.images), **left, **asdict(numbers.forecast)}


def _days(numbers: Throughput) -> Iterator[Row]:
    return ({"day": one.day, **describe_line(one.line)} for one in numbers.by_day)


def _people(numbers: Throughput) -> Iterator[Row]:
    return ({"person": one.name, **describe_line(one.line)} for one in numbers.by_person)


def _models(numbers: Throughput) -> Iterator[Row]:
    return (
        {
            "model_version": one.name or WITHOUT_MODEL,
            "retrainings": one.retrainings,
            **describe_line(one.line),
        }
        for one in numbers.by_model
    )


def _reasons(numbers: Throughput) -> Iterator[Row]:
    return (asdict(row) for row in numbers.skip_reasons)


def _parts(numbers: Throughput) -> Iterator[Row]:
    """The whole, then each model version, person and day: `part` tells of which kind, `name` which one."""
    yield {"part": "all", "name": "", **describe_line(numbers.whole)}
    for kind, rows in (("model_version", _models), ("person", _people), ("day", _days)):
        for row in rows(numbers):
            yield {"part": kind, "name": row[kind], **row}


SECONDS = (
    "masks",
    "timed_masks",
    "median_seconds_per_mask",
    "p90_seconds_per_mask",
    "masks_per_active_hour",
    "images_submitted",
    "masks_per_image",
)
TABLES: dict[str, Table] = {
    "hours": Table(("until", "masks", "images", "people"), _hours),
    "images": Table(
        (
            *("total", "submitted", "skipped", "in_progress", "ready", "waiting", "left"),
            *("images_per_day", "days_seen", "days_left", "low", "high"),
        ),
        _images,
    ),
    "days": Table(("day", *SECONDS), _days),
    "people": Table(("person", *SECONDS, "last_accepted_at"), _people),
    "models": Table(("model_version", "retrainings", *SECONDS), _models),
    "phases": Table(
        (
            *("part", "name", "timed_masks", "active_hours", "looking_share", "prompting_share"),
            *("waiting_share", "painting_share", "idle_hours"),
        ),
        _parts,
    ),
    "effort": Table(
        (
            *("part", "name", "timed_masks", "points_per_mask", "boxes_per_mask"),
            *("candidate_switches_per_mask", "painted_masks_share", "painted_pixels_share"),
        ),
        _parts,
    ),
    "endings": Table(
        (
            *("part", "name", "masks", "given_up", "given_up_rate"),
            *("images_submitted", "images_skipped", "skip_rate"),
        ),
        _parts,
    ),
    "skip-reasons": Table(("reason", "images"), _reasons),
    "latency": Table(("part", "name", "decodes", "median_decode_ms", "p90_decode_ms"), _parts),
}
