"""Line charts as SVG: inline, without scripts, told apart by dash and marker as well as colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 540, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 140, 12, 46
LABEL_GAP_PX = 16
MARKERS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",  # disc
    "M-4-4h8v8h-8z",  # square
    "M0-5l5 9h-10z",  # triangle
    "M0-5l5 5l-5 5l-5-5z",  # diamond
)

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line; `style` picks colour, dash and marker, the same in every chart."""

    label: str
    points: Sequence[Point]
    style: int
    band: Sequence[tuple[float, float, float]] = ()  # x, low, high
    has_markers: bool = True


@dataclass(frozen=True)
class Axis:
    """One axis: from the first tick to the last."""

    title: str
    ticks: Sequence[float]
    decimals: int = 0

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1 for what is inside."""
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


@dataclass(frozen=True)
class Plane:
    """Where values lie in the drawing."""

    x: Axis
    y: Axis

    def place(self, point: Point) -> Point:
        """Drawing coordinates of a value."""
        across = LEFT + self.x.share(point[0]) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - self.y.share(point[1]) * (HEIGHT - TOP - BOTTOM)
        return across, down

    def path(self, points: Sequence[Point]) -> str:
        """SVG path data through values."""
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(self.place, points))


def line_chart(
    description: str, x: Axis, y: Axis, lines: Sequence[Series], *, diagonal: bool = False
) -> str:
    """An `<svg>` with labels at the ends of the lines; `diagonal` draws x = y."""
    plane = Plane(x, y)
    parts = [draw_axes(plane)]
    if diagonal:
        ends = [(x.ticks[0], y.ticks[0]), (x.ticks[-1], y.ticks[-1])]
        parts.append(f'<path class="diagonal" d="{plane.path(ends)}"/>')
    parts += [draw_line(line, plane) for line in lines]
    parts.append(draw_labels(lines, plane))
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(description)}</title>{''.join(parts)}</svg>"
    )


def draw_axes(plane: Plane) -> str:
    """Grid lines, ticks and titles."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tick in plane.y.ticks:
        _, y = plane.place((plane.x.ticks[0], tick))
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        text = f"{tick:.{plane.y.decimals}f}"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for tick in plane.x.ticks:
        x, _ = plane.place((tick, plane.y.ticks[0]))
        parts.append(f'<path class="tick" d="M{x:.1f} {bottom}v5"/>')
        text = f"{tick:.{plane.x.decimals}f}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{text}</text>')
    middle = (TOP + bottom) / 2
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{right}"/>')
    parts.append(
        f'<text class="title" x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(plane.x.title)}</text>"
        f'<text class="title" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(plane.y.title)}</text>"
    )
    return "".join(parts)


def draw_line(line: Series, plane: Plane) -> str:
    """Band, line and markers of one series, each marker with its value as a tooltip."""
    parts = []
    if line.band:
        low = [(x, bottom) for x, bottom, _ in line.band]
        high = [(x, top) for x, _, top in reversed(line.band)]
        parts.append(f'<path class="band" d="{plane.path([*low, *high])}z"/>')
    parts.append(f'<path class="line" d="{plane.path(line.points)}"/>')
    for point in line.points if line.has_markers else ():
        x, y = plane.place(point)
        told = f"{escape(line.label)}: {point[0]:g} → {point[1]:.3f}"
        parts.append(
            f'<path class="marker" transform="translate({x:.1f} {y:.1f})" '
            f'd="{MARKERS[line.style % len(MARKERS)]}"><title>{told}</title></path>'
        )
    return f'<g class="style-{line.style}">{"".join(parts)}</g>'


def draw_labels(lines: Sequence[Series], plane: Plane) -> str:
    """Names right of the lines, pushed apart where they would cover each other."""
    ends = sorted(((plane.place(line.points[-1]), line) for line in lines), key=lambda e: e[0][1])
    places: list[float] = []
    for (_, y), _ in ends:
        places.append(max(y, places[-1] + LABEL_GAP_PX) if places else y)
    beyond = max(0.0, places[-1] - (HEIGHT - BOTTOM)) if places else 0.0
    x = WIDTH - RIGHT + 10
    return "".join(
        f'<g class="style-{line.style}"><path class="line" d="M{x} {y - beyond:.1f}h22"/>'
        f'<path class="marker" transform="translate({x + 11} {y - beyond:.1f})" '
        f'd="{MARKERS[line.style % len(MARKERS)]}"/></g>'
        f'<text class="label" x="{x + 29}" y="{y - beyond + 4:.1f}">{escape(line.label)}</text>'
        for (_, line), y in zip(ends, places, strict=True)
    )
