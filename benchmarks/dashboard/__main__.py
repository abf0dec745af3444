"""`python -m benchmarks.dashboard`: what the dashboard's queries cost on projects of many masks.

Each size has a database of its own on an embedded server, filled by SQL as months of work would leave it. With
`--folder` they are kept and found again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.servers import servers
from benchmarks.tables import describe_run, format_table, write_section

if TYPE_CHECKING:
    from benchmarks.dashboard.sizes import Measured

TITLE = "The dashboard's queries"
SIZES = (10_000, 100_000, 1_000_000)
PERIODS = {"30": "The last 30 days", "all": "All days (12 weeks)"}
EXPLAINED = (
    "Milliseconds: processor time of the database's process [by the clock, which a busy machine distorts]; best of"
    " three. Rows read: what the scans took in, rows they filtered out included."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Seed, measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--masks", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, help="keeps the databases here")
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with servers(asked.folder) as environment:
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        from benchmarks.dashboard.sizes import measure_size  # needs Django's settings

        found = [measure_size(masks, tuple(PERIODS)) for masks in asked.masks]
        text = report(found)
    print(text)
    if asked.write:
        write_section(TITLE, text)


def report(found: Sequence[Measured]) -> str:
    """A table for each period, and the plan of the largest query on the largest project."""
    from benchmarks.dashboard.measuring import outline  # needs Django's settings
    from benchmarks.dashboard.sizes import PAGES, WORK

    largest = found[-1]
    rows = ", ".join(
        f"{one.masks:,} masks with {one.rows['interaction']:,} interactions" for one in found
    )
    parts = [f"{describe_run('python -m benchmarks.dashboard')}. {rows}. {EXPLAINED}"]
    titles = {**PERIODS, PAGES: "The pages beside it"}
    parts += [f"{title}:\n\n{table(found, key)}" for key, title in titles.items()]
    plan = "\n".join(outline(largest.costs["all"][WORK].plans[0]))
    parts.append(
        f"The plan of the first line, all days, {largest.masks:,} masks:\n\n```\n{plan}\n```"
    )
    return "\n\n".join(parts)


def table(found: Sequence[Measured], days: str) -> str:
    """Queries by sizes: milliseconds and rows read."""
    head = ["query", *(f"{one.masks:,} masks, {what}" for one in found for what in ("ms", "rows"))]
    lines = []
    for name in found[0].costs[days]:
        costs = [one.costs[days][name] for one in found]
        cells = [
            cell
            for cost in costs
            for cell in (f"{cost.server_ms:.0f} [{cost.ms:.0f}]", f"{cost.rows_read:,}")
        ]
        lines.append([name, *cells])
    return format_table(head, lines)


if __name__ == "__main__":
    main()
