"""The report: one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from model_server.evaluation.charts import Axis, Series, line_chart
from model_server.evaluation.clicking import CLICK_COUNTS
from model_server.evaluation.gallery import SHOWN_COUNTS, Case, choose_cases, draw_panels
from model_server.evaluation.markup import (
    STRONG,
    at,
    bar,
    optional,
    percent,
    plural,
    section,
    table,
)
from model_server.evaluation.results import ImageResult
from model_server.evaluation.scores import Calibration, Ranking, Scores

STYLE = Path(__file__).with_name("report.css")
CASES_EACH = 4
TENTHS = [n / 10 for n in range(0, 11, 2)]
LABELS = {
    "model": STRONG,
    "grabcut": "GrabCut",
    "random_walker": "random walker",
    "geodesic": "geodesic",
}
PROMPTS = {"first_click": "first click", "later_clicks": "clicks 2 to 9", "box": "box"}
CASES = {
    "best": "Best",
    "median": "Median",
    "worst": "Worst",
}
DEFINITIONS = {
    "IoU": "Shared pixels of mask and reference mask, divided by the pixels of either; at the "
    "picture's own resolution.",
    "Clicks": "The first click is the deepest pixel of the object (or a random one, where said), "
    "every further one the deepest pixel of the larger error of the last mask.",
    "By source": "The mean over sources of their means, so that a source with many masks counts no "
    "more than one with few. By mask: every mask counts the same.",
    "NoC": "Number of clicks until the IoU first reached the target; a mask that never reached it "
    "in 20 clicks counts as 20.",
    "Candidates": "A first click or a box is ambiguous and gets three masks. Chosen: the one with "
    "the highest predicted IoU. Random: what a blind choice would reach on average. "
    "Best: by true IoU.",
    "Boundary IoU": "IoU of the bands along the two borders, 2 % of the picture's diagonal wide.",
    "Interval": "95 %, by drawing the images again 1,000 times.",
}


@dataclass(frozen=True)
class Report:
    """What a report tells; the methods in the order of their lines."""

    settings: dict[str, Any]
    results: dict[str, list[ImageResult]]
    scores: dict[str, Scores]

    @property
    def first(self) -> Scores:
        """The scores of the model."""
        return self.scores["model"]


def write_report(path: Path, report: Report) -> None:
    """Write one self-contained page."""
    path.write_text(render(report), encoding="utf-8")


def render(report: Report) -> str:
    """The page as text."""
    sections = [
        render_head(report),
        render_clicks(report),
        render_targets(report),
        render_first_prompt(report.first),
        render_calibration(report.first),
        render_sources(report),
        render_gallery(report.results["model"]),
        render_definitions(),
    ]
    title = escape(f"Evaluation of {report.settings['weights']}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def render_head(report: Report) -> str:
    """What was evaluated, and the numbers to remember."""
    scores, settings = report.first, report.settings
    target = scores.clicks_to["0.90"]
    facts = [
        (f"{scores.miou_by_source_at[1]:.2f}", "mean IoU after 1 click"),
        (f"{scores.miou_by_source_at[3]:.2f}", "after 3 clicks"),
        (f"{scores.miou_by_source_at[9]:.2f}", "after 9 clicks"),
        (f"{target.noc.by_source:.1f}", f"clicks to IoU 0.90, of at most {target.limit}"),
        (f"{scores.speed.per_click * 1000:.0f} ms", "a click, on this machine"),
    ]
    if scores.box:
        facts.insert(3, (f"{scores.box.chosen.by_source:.2f}", "from a box"))
    tiles = "".join(f'<div class="fact"><b>{n}</b><span>{told}</span></div>' for n, told in facts)
    split = f", split <i>{escape(settings['split'])}</i>" if settings["split"] else ""
    return (
        f"<header><h1>Evaluation of {escape(settings['weights'])}</h1>"
        f'<p class="quiet">{scores.num_masks:,} reference masks on {scores.num_images:,} images of '
        f"{plural(len(scores.by_source), 'source')}, from <i>{escape(settings['data'])}</i>{split}. "
        f'Clicks and boxes are simulated.</p><div class="facts">{tiles}</div>'
        '<p class="quiet small">Means over sources.</p></header>'
    )


def render_clicks(report: Report) -> str:
    """Mean IoU over clicks, of all methods."""
    by_source = [
        Series(LABELS[name], [(n, m.by_source) for n, m in enumerate(s.miou_curve, 1)], style)
        for style, (name, s) in enumerate(report.scores.items())
    ]
    by_mask = [
        Series(
            LABELS[name],
            [(n, m.by_mask) for n, m in enumerate(s.miou_curve, 1)],
            style,
            [(n, *s.miou_interval_at[n]) for n in CLICK_COUNTS] if name == "model" else (),
        )
        for style, (name, s) in enumerate(report.scores.items())
    ]
    charts = ""
    for kind, lines in (("By source", by_source), ("By mask", by_mask)):
        chart = line_chart(
            f"Mean IoU after each click, by method; {kind.lower()}",
            Axis("clicks", range(1, CLICK_COUNTS[-1] + 1)),
            Axis("mean IoU", TENTHS, 1),
            lines,
        )
        charts += f'<div class="panel"><h3>{kind}</h3>{chart}</div>'
    head = ["", *(plural(n, "click") for n in CLICK_COUNTS)]
    rows = {
        "By source": [[LABELS[n], *at(s.miou_by_source_at)] for n, s in report.scores.items()],
        "By mask": [[LABELS[n], *at(s.miou_at)] for n, s in report.scores.items()],
        "Boundary IoU, by mask": [
            [LABELS[name], *at({n: m.by_mask for n, m in s.boundary_iou_at.items()})]
            for name, s in report.scores.items()
        ],
    }
    tables = "".join(table(head, some, caption) for caption, some in rows.items())
    return section(
        "Mean IoU over clicks",
        "How good the mask is after a number of clicks. The shaded band is the 95 % interval of the "
        "model.",
        f'<div class="pair">{charts}</div><h3>The same as numbers</h3>'
        f'<div class="scroll">{tables}</div>',
    )


def render_targets(report: Report) -> str:
    """Clicks to a target, and the masks that never get there."""
    limit = report.first.clicks_to["0.90"].limit
    charts = []
    for target in report.first.clicks_to:
        lines = [
            Series(
                LABELS[name],
                list(enumerate(scores.clicks_to[target].reached_share_after, 1)),
                style,
            )
            for style, (name, scores) in enumerate(report.scores.items())
        ]
        chart = line_chart(
            f"Share of masks that reached IoU {target} after each click, by method",
            Axis("clicks", [1, *range(5, limit + 1, 5)]),
            Axis("share of masks", TENTHS, 1),
            lines,
        )
        charts.append(f'<div class="panel"><h3>IoU {target}</h3>{chart}</div>')
    rows = [
        [
            LABELS[name],
            *(f"{found.noc.by_source:.2f}" for found in scores.clicks_to.values()),
            *(f"{found.noc.by_mask:.2f}" for found in scores.clicks_to.values()),
            *(percent(found.never_share) for found in scores.clicks_to.values()),
            f"{scores.speed.per_click:.3f}",
        ]
        for name, scores in report.scores.items()
    ]
    kinds = ("NoC@{} by source", "NoC@{} by mask", "never {}")
    head = ["", *(kind.format(target) for kind in kinds for target in report.first.clicks_to)]
    head.append("seconds a click")
    return section(
        "Clicks to a good mask",
        f"The share of masks that have reached a target, and the mean number of clicks to it (NoC, "
        f"lower is better). What never reaches it in {limit} clicks counts as {limit}.",
        f'<div class="pair">{"".join(charts)}</div><h3>Number of clicks</h3>'
        f'<div class="scroll">{table(head, rows)}</div>',
    )


def render_first_prompt(scores: Scores) -> str:
    """One click or one box: which candidate, and how much the first point matters."""
    parts = []
    ranked: list[tuple[str, Ranking | None]] = [("one click", scores.ranking), ("box", scores.box)]
    rows: list[list[str]] = []
    for name, found in ranked:
        if found:
            kinds = (found.random, found.chosen, found.oracle)
            share = percent(found.best_chosen_share)
            rows.append([f"{name}, by source", *(f"{m.by_source:.3f}" for m in kinds), ""])
            rows.append([f"{name}, by mask", *(f"{m.by_mask:.3f}" for m in kinds), share])
    if rows:
        head = ["", "random", "chosen by the model", "best of three", "best one chosen"]
        parts.append(table(head, rows, "Which of the candidates"))
    if scores.random_miou_at:
        random = scores.random_miou_at
        head = ["", *(plural(n, "click") for n in CLICK_COUNTS)]
        points = [
            ["centre, by source", *at(scores.miou_by_source_at)],
            ["random, by source", *at({n: m.by_source for n, m in random.items()})],
            ["centre, by mask", *at(scores.miou_at)],
            ["random, by mask", *at({n: m.by_mask for n, m in random.items()})],
        ]
        parts.append(table(head, points, "Where the first click lands"))
    if not parts:
        return ""
    return section(
        "The first prompt",
        "A lone click or box can mean several things. The table tells what the model's own ranking "
        "gains over a blind choice, and what a perfect choice would reach.",
        f'<div class="scroll">{"".join(parts)}</div>',
    )


def render_calibration(scores: Scores) -> str:
    """Predicted against true IoU."""
    if not scores.calibration:
        return ""
    curves: dict[str, list[Series]] = {"Predicted and true IoU": [], "Share of predictions": []}
    for style, (kind, found) in enumerate(scores.calibration.items()):
        means = [(b.mean_predicted, b.mean_iou) for b in found.bins]
        shares = [((b.low + b.high) / 2, b.count / found.count) for b in found.bins]
        for title, points in zip(curves, (means, shares), strict=True):
            curves[title].append(Series(PROMPTS[kind], points, style))
    charts = ""
    for title, y_title in zip(curves, ("true IoU", "share of predictions"), strict=True):
        chart = line_chart(
            f"{title}, by predicted IoU",
            Axis("predicted IoU", TENTHS, 1),
            Axis(y_title, TENTHS, 1),
            curves[title],
            diagonal=y_title == "true IoU",
        )
        charts += f'<div class="panel"><h3>{title}</h3>{chart}</div>'
    rows = [[PROMPTS[kind], *calibration_row(found)] for kind, found in scores.calibration.items()]
    head = ["", "predictions", "correlation", "mean error", "predicted − true", "calibration error"]
    return section(
        "Does the model know how good it is?",
        "Predicted IoU against true IoU, averaged over tenths of the scale; on the dotted diagonal "
        "a prediction means what it says. A first click and a box count with all three candidates.",
        f'<div class="pair">{charts}</div><h3>The same as numbers</h3>'
        f'<div class="scroll">{table(head, rows)}</div>',
    )


def calibration_row(found: Calibration) -> list[str]:
    """Numbers of one kind of prompt."""
    correlation = "–" if found.correlation is None else f"{found.correlation:.2f}"
    return [
        f"{found.count:,}",
        correlation,
        f"{found.mean_absolute_error:.3f}",
        f"{found.mean_difference:+.3f}".replace("-", "−"),
        f"{found.expected_error:.3f}",
    ]


def render_sources(report: Report) -> str:
    """One row for each source."""
    rows = [
        [
            row.source or "–",
            str(row.num_images),
            str(row.num_masks),
            *at({n: row.miou_at[n] for n in SHOWN_COUNTS}),
            bar(row.miou_at[3]),
            *(optional(value) for value in (row.oracle_miou_at_1, row.box_miou)),
            f"{row.noc['0.90']:.1f}",
            percent(row.never_share["0.90"]),
        ]
        for row in sorted(report.first.by_source, key=lambda row: -row.miou_at[3])
    ]
    head = ["source", "images", "masks", *(plural(n, "click") for n in SHOWN_COUNTS)]
    head += ["after 3 clicks", "best of three at 1", "box", "NoC@0.90", "never 0.90"]
    return section(
        "By source",
        "Mean IoU of the model over the masks of each source, best first by 3 clicks. A source with "
        "few masks says little.",
        f'<div class="scroll">{table(head, rows, raw_columns=(6,))}</div>',
    )


def render_gallery(results: Sequence[ImageResult]) -> str:
    """Best, median and worst cases with their clicks."""
    parts = []
    for name, cases in choose_cases(results, CASES_EACH).items():
        figures = "".join(render_case(case) for case in cases)
        parts.append(f'<h3>{CASES[name]}</h3><div class="cases">{figures}</div>')
    return section(
        "Cases",
        "Ordered by the mean of the IoU after 1, 2, 3, 5 and 9 clicks. The film is the model's mask, "
        "the dashed line the reference; + on white is a foreground click, − on black a background "
        "click.",
        "".join(parts),
    )


def render_case(case: Case) -> str:
    """Three panels of one mask."""
    panels = []
    for count, url in zip(SHOWN_COUNTS, draw_panels(case), strict=True):
        told = f"{plural(count, 'click')}: IoU {case.mask.centre.iou_at(count):.2f}"
        panels.append(
            f'<div><span class="view"><img src="{url}" alt="Mask after {told}"></span>'
            f'<span class="told">{told}</span></div>'
        )
    image = case.result.image
    source = f"{image.source}, " if image.source else ""
    about = escape(f"{source}{image.name}, mask {case.mask.number}")
    share = f"{percent(case.mask.area_share)} of the picture"
    return (
        f'<figure><div class="strip">{"".join(panels)}</div>'
        f"<figcaption>{about}, {share}</figcaption></figure>"
    )


def render_definitions() -> str:
    """What the words mean."""
    entries = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in DEFINITIONS.items())
    return section("What the numbers mean", "", f"<dl>{entries}</dl>")
