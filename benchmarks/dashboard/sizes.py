"""One size after the other: a database, its project, and every query of the dashboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from annotator.api.throughput_tables import describe
from annotator.models import Mask, Project
from annotator.models.masks import ACCEPTED_IMPORTED
from annotator.queries.image_counts import image_counts
from annotator.queries.masks import masks_made_here, masks_of_kind
from annotator.queries.throughput.endings import endings, given_up, skip_reasons
from annotator.queries.throughput.forecast import forecast
from annotator.queries.throughput.latency import latency
from annotator.queries.throughput.numbers import throughput
from annotator.queries.throughput.pace import hours
from annotator.queries.throughput.period import Period, period_of
from annotator.queries.throughput.work import work
from benchmarks.dashboard.beside import add_the_rest, page_questions
from benchmarks.dashboard.measuring import Cost, measure
from benchmarks.dashboard.seeding import Size, seed_project

NAME = "Seeded"
WORK = "masks, seconds, phases, effort"
WHOLE = "the whole reply"
PAGES = "pages"
TABLES = ("mask", "masktiming", "interaction", "image", "assignment")


@dataclass(frozen=True)
class Measured:
    """Costs by period (or `PAGES`, the pages beside the dashboard) and query, and how many rows there were."""

    masks: int
    rows: dict[str, int]
    costs: dict[str, dict[str, Cost]]


def measure_size(masks: int, periods: tuple[str, ...]) -> Measured:
    """Makes the database of that size if it is missing, and asks everything of it."""
    open_database(f"seeded_{masks}")
    project = Project.objects.filter(name=NAME).first() or seed(masks)
    asked = {PAGES: page_questions(project)}
    newest = Mask.objects.exclude(accepted_at=None).latest("accepted_at").accepted_at
    asked |= {days: questions(project, period_of(days, now=newest)) for days in periods}
    return Measured(
        masks=masks,
        rows={table: count_rows(table) for table in TABLES},
        costs={
            table: {name: measure(ask) for name, ask in of_table.items()}
            for table, of_table in asked.items()
        },
    )


def open_database(name: str) -> None:
    """Connects to a database beside the installation's own; makes it and its tables at first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    call_command("migrate", verbosity=0, interactive=False)


def seed(masks: int) -> Project:
    """A project whose last mask was accepted about now; statistics and visibility as autovacuum leaves them."""
    began = time.perf_counter()
    project = seed_project(Size.of(masks), name=NAME, now=timezone.now().replace(microsecond=0))
    add_the_rest(project)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
    print(f"{masks:,} masks made in {time.perf_counter() - began:.0f} s", flush=True)
    return project


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM annotator_{table}")
        (rows,) = cursor.fetchone()
    return int(rows)


def questions(project: Project, period: Period) -> dict[str, Callable[[], object]]:
    """The queries of one reply, by what they tell."""
    days = list(work(project=project, period=period).by_day)
    left = image_counts(project=project).left
    return {
        WORK: lambda: work(project=project, period=period),
        "submitted, skipped, masks per image": lambda: endings(project=project, period=period),
        "skip reasons": lambda: skip_reasons(project=project, period=period),
        "given up": lambda: given_up(project=project, period=period),
        "latency": lambda: latency(project=project, days=days),
        "hour by hour": lambda: hours(project=project, now=period.now),
        "image states": lambda: image_counts(project=project),
        "forecast": lambda: forecast(project=project, images_left=left, now=period.now),
        "masks so far": lambda: masks_made_here(project).count(),
        "imported": lambda: masks_of_kind(project, ACCEPTED_IMPORTED).count(),
        WHOLE: lambda: describe(throughput(project=project, period=period)),
    }
