"""What one query costs: milliseconds, processor time of its server, rows read, and its plan."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from annotator.queries.throughput.groups import WORK_MEMORY

REPETITIONS = 3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Statement:
    """SQL as it was sent, with the planner's choices it was sent under."""

    text: str
    values: Any
    sorts: bool


@dataclass(frozen=True)
class Cost:
    """Best of some runs. `rows_read` counts what scans took in, filtered rows included, once for each loop."""

    ms: float
    server_ms: float
    rows_read: int
    plans: list[dict[str, Any]]


def measure(ask: Callable[[], object]) -> Cost:
    """The cost of what a function asks of the database, one statement after another."""
    statements = _statements_of(ask)
    taken = [_timed(ask) for _ in range(REPETITIONS)]
    plans = [_plan(statement) for statement in statements]
    return Cost(
        ms=min(ms for ms, _ in taken),
        server_ms=min(server_ms for _, server_ms in taken),
        rows_read=sum(_rows_read(plan) for plan in plans),
        plans=plans,
    )


def outline(plan: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """A plan in few words: what each node does, on what, and how many rows it gave."""
    place = plan.get("Index Name") or plan.get("Relation Name") or plan.get("CTE Name")
    rows = round(plan["Actual Rows"] * plan["Actual Loops"])
    name = plan["Node Type"] if place is None else f"{plan['Node Type']} {place}"
    yield f"{'  ' * depth}{name}: {rows:,} rows"
    for part in plan.get("Plans", ()):
        yield from outline(part, depth + 1)


def _statements_of(ask: Callable[[], object]) -> list[Statement]:
    found: list[Statement] = []
    sorts = True

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal sorts
        if "enable_sort" in sql:
            sorts = sql.endswith("on")
        if sql.lstrip().startswith(("SELECT", "WITH")):
            found.append(Statement(sql, params, sorts))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        ask()
    return found


def _timed(ask: Callable[[], object]) -> tuple[float, float]:
    """(milliseconds by the clock, processor milliseconds of the server's process)."""
    before, began = server_seconds(), time.perf_counter()
    ask()
    ms = 1000 * (time.perf_counter() - began)
    return ms, 1000 * (server_seconds() - before)


def server_seconds() -> float:
    """User and system time of the process that serves this connection; its parallel workers are not in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _plan(statement: Statement) -> dict[str, Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        cursor.execute(f"SET LOCAL enable_sort = {'on' if statement.sorts else 'off'}")
        cursor.execute(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}", statement.values
        )
        (found,) = cursor.fetchone()
    plans = json.loads(found) if isinstance(found, str) else found
    plan: dict[str, Any] = plans[0]["Plan"]
    return plan


def _rows_read(plan: dict[str, Any]) -> int:
    read = sum(_rows_read(part) for part in plan.get("Plans", ()))
    if "Relation Name" not in plan:
        return read
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return read + round((plan["Actual Rows"] + removed) * plan["Actual Loops"])
