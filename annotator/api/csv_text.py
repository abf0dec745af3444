"""Rows as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes

CSV_FILE = {(200, "text/csv"): OpenApiTypes.STR}  # as the OpenAPI says it
# A spreadsheet takes a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """The rows below a line of headings; what is missing is an empty cell."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(columns)
    for row in rows:
        lines.writerow([_cell(row[column]) for column in columns])
    return out.getvalue()


def csv_file(name: str, text: str) -> HttpResponse:
    """A download of such a text; `name` is ours, without an ending."""
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
