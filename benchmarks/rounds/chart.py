"""Charts of both arms by round, in one SVG that is readable on light and on dark pages."""

import math
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rounds.table import ARMS, MEASURES, Arms, Estimate, Measure, by_round
from model_server.evaluation import charts
from model_server.evaluation.charts import HEIGHT, LEFT, WIDTH, Axis, Series, line_chart

COLUMNS = 2
SHOWN = ("miou_1", "miou_3", "clicks", "seconds")
LABELS = {"new": "new masks", "control": "control"}
HEADING = 34  # px above a panel
TICKS = 5  # at least so many steps on the upright axis
STYLES = Path(charts.__file__).with_name("report.css")


def chart(arms: Arms) -> str:
    """An SVG file: a panel for each of `SHOWN`, bands are 95 % intervals."""
    shown = [measure for measure in MEASURES if measure.name in SHOWN]
    panels = [_panel(arms, measure, place) for place, measure in enumerate(shown)]
    width, height = COLUMNS * WIDTH, math.ceil(len(shown) / COLUMNS) * (HEADING + HEIGHT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif"><style>{STYLES.read_text()}</style>'
        f'<rect width="{width}" height="{height}" fill="var(--raised)"/>{"".join(panels)}</svg>\n'
    )


def _panel(arms: Arms, measure: Measure, place: int) -> str:
    lines, values = [], []
    for style, arm in enumerate(ARMS):
        found = by_round(arms, arm, measure.name)
        if found:
            lines.append(_line(found, LABELS[arm], style))
            values += [
                one.mean + sign * (one.half or 0) for one in found.values() for sign in (-1, 1)
            ]
    rounds = sorted({n for series in arms.values() for n in series})
    drawn = line_chart(
        f"{measure.title} by round",
        Axis("round", [0, *rounds[1:]] if len(rounds) > 1 else [0, 1]),
        Axis("", *ticks(values)),
        lines,
    )
    across, down = place % COLUMNS * WIDTH, place // COLUMNS * (HEADING + HEIGHT) + HEADING
    frame = f'x="{across}" y="{down}" width="{WIDTH}" height="{HEIGHT}" '
    heading = (
        f'<text x="{across + LEFT}" y="{down - 6}" font-size="15" font-weight="600" '
        f'fill="var(--text)">{measure.title}</text>'
    )
    return heading + drawn.replace("<svg ", f"<svg {frame}", 1)


def _line(found: dict[int, Estimate], label: str, style: int) -> Series:
    points = [(float(n), one.mean) for n, one in found.items()]
    band = [
        (float(n), one.mean - one.half, one.mean + one.half)
        for n, one in found.items()
        if one.half is not None
    ]
    return Series(label, points, style, band)


def ticks(values: Sequence[float]) -> tuple[list[float], int]:
    """Round numbers around the values, and how many decimals they need."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    power = math.floor(math.log10(span / TICKS))
    step = max(s for s in (1, 2, 5) if s * 10**power <= span / TICKS) * 10**power
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)], max(0, -power)
