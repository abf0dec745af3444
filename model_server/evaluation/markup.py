"""Pieces of HTML that the report is made of."""

from collections.abc import Sequence
from html import escape

STRONG = "model"  # the row of this name stands out among others


def section(title: str, lead: str, content: str) -> str:
    """A part of the page."""
    told = f'<p class="quiet">{escape(lead)}</p>' if lead else ""
    return f"<section><h2>{escape(title)}</h2>{told}{content}</section>"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str = "",
    raw_columns: Sequence[int] = (),
) -> str:
    """A table whose first column names the rows; `raw_columns` hold markup."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = []
    for row in rows:
        cells = [cell if column in raw_columns else escape(cell) for column, cell in enumerate(row)]
        first = f'<th scope="row">{cells[0]}</th>'
        is_model = ' class="first"' if row[0] == STRONG and len(rows) > 1 else ""
        body.append(f"<tr{is_model}>{first}{''.join(f'<td>{c}</td>' for c in cells[1:])}</tr>")
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{named}<thead><tr>{titles}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def at(values: dict[int, float]) -> list[str]:
    """Cells of a measure after several numbers of clicks."""
    return [f"{value:.3f}" for value in values.values()]


def bar(share: float) -> str:
    """A bar in a track; the number stands in a column of its own."""
    return f'<span class="track"><span class="bar" style="width:{100 * share:.0f}%"></span></span>'


def percent(share: float) -> str:
    """A share as whole percent; small ones do not become 0."""
    if 0 < share < 0.005:
        return "< 1 %"
    return f"{100 * share:.0f} %"


def optional(value: float | None) -> str:
    """A number that may be missing."""
    return "–" if value is None else f"{value:.3f}"


def plural(count: int, word: str) -> str:
    """A count with its word."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
