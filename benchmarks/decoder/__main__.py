"""`python -m benchmarks.decoder`: milliseconds per click in Chromium, ours beside the published graph."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.decoder.server import serve
from benchmarks.decoder.subjects import make_subjects
from benchmarks.tables import describe_run, format_table, write_section
from launcher.chromium import find_chromium

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")
PAIRS = ("first click", "refinement", "click to pixels")
CONDITIONS = (
    "Chromium {}, onnxruntime-web 1.30.0 (wasm), image 1500×2250; {} turns of two runs each, taking turns."
    " Milliseconds: median [minimum] by the clock, then mean processor time, which a busy machine distorts least"
    " (on two threads it counts waiting too). Ratio: published by ours. A first click is one point and padding; a"
    " refinement five points, padding and the logits of the answer before."
)
PLAIN = "published without its upscaling"
TITLE = "Decoder in the browser"
RUNS_A_TURN = 2
LIMIT_MS = 20 * 60_000.0


@dataclass(frozen=True)
class Run:
    """A few runs of one kind."""

    clock: list[float]  # milliseconds of each
    used: float  # milliseconds of processor time for one


@dataclass(frozen=True)
class Times:
    """Milliseconds of one kind of run."""

    median: float
    least: float
    used: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoder", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        subjects = make_subjects(Path(folder))
        runtime = ROOT / "node_modules/onnxruntime-web/dist"
        if not runtime.is_dir():
            raise SystemExit(f"{runtime} is missing: run `npm ci` first")
        folders = {
            "page": Path(__file__).parent / "page",
            "ort": runtime,
            "js": ROOT / "web/static/js",
            "graphs": Path(folder),
        }
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        with serve(folders) as address:
            results = [
                (subject, threads, measure(browser, address, subject, threads, asked.repetitions))
                for threads in asked.threads
                for subject in subjects
            ]
        version = browser.version
        browser.close()
    text = report(results, version, asked.repetitions)
    print(text)
    if asked.write:
        write_section(TITLE, text)


def measure(
    browser: Browser, address: str, subject: dict[str, Any], threads: int, repetitions: int
) -> dict[str, Any]:
    """All runs of one network in a fresh page, since a page's number of threads is settled once.

    The runs take turns; the first turn warms up and is not counted.
    """
    page = browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/page/index.html")
    page.wait_for_function("() => window.runBench")
    asked = {"subject": subject, "threads": threads}
    opened: dict[str, Any] = page.evaluate("asked => window.openBench(asked)", asked)
    taken: dict[str, list[Run]] = {name: [] for name in opened["names"]}
    for turn in range(repetitions + 1):
        for name, runs in taken.items():
            run = run_once(browser, page, name)
            if turn:
                runs.append(run)
    page.close()
    times = {name: summarise(runs) for name, runs in taken.items()}
    return {"times": times, "difference": opened["difference"]}


def run_once(browser: Browser, page: Page, name: str) -> Run:
    """A few runs of one kind: their milliseconds by the clock, and by the processor's own count."""
    before = processor_seconds(browser)
    clock = page.evaluate("asked => window.runBench(asked)", {"name": name, "times": RUNS_A_TURN})
    used = 1000 * (processor_seconds(browser) - before) / RUNS_A_TURN
    return Run(clock, used)


def processor_seconds(browser: Browser) -> float:
    """Processor time that Chromium's renderers have used."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return float(sum(one["cpuTime"] for one in processes if one["type"] == "renderer"))


def summarise(runs: Sequence[Run]) -> Times:
    """Median and minimum by the clock, mean by the processor's count."""
    clock = [ms for run in runs for ms in run.clock]
    return Times(median(clock), min(clock), mean(run.used for run in runs))


def report(
    results: Sequence[tuple[dict[str, Any], int, dict[str, Any]]], version: str, repetitions: int
) -> str:
    """The tables as Markdown."""
    head = ["network", "threads", "what", "published", "without its upscaling", "ours", "ratio"]
    rows = [row for result in results for row in table_rows(*result)]
    return "\n\n".join(
        [
            f"{describe_run('python -m benchmarks.decoder')}. {CONDITIONS.format(version, repetitions)}",
            format_table(head, rows),
            "\n".join(f"* {other_facts(*result)}" for result in results),
        ]
    )


def table_rows(subject: dict[str, Any], threads: int, found: dict[str, Any]) -> list[list[str]]:
    """One row for each kind of run."""
    times, rows = found["times"], []
    for what in PAIRS:
        published, ours = times[f"{what}, published"], times[f"{what}, ours"]
        plain = times.get(f"{what}, {PLAIN}")
        ratios = (getattr(published, by) / getattr(ours, by) for by in ("median", "least", "used"))
        ratio = "{:.1f} [{:.1f}] {:.1f}".format(*ratios)
        shown = [format_times(published), format_times(plain) if plain else "–", format_times(ours)]
        rows.append([subject["name"], str(threads), what, *shown, ratio])
    return rows


def format_times(times: Times) -> str:
    """Median and minimum by the clock, then the processor's count; milliseconds."""
    return f"{times.median:.0f} [{times.least:.0f}] {times.used:.0f}"


def other_facts(subject: dict[str, Any], threads: int, found: dict[str, Any]) -> str:
    """What belongs under the table: the network, opening an image, and exactness."""
    opening = format_times(found["times"]["opening an image, ours"])
    far = found["difference"]
    return (
        f"{subject['title']}, {threads} thread{'s' * (threads > 1)}: opening an image {opening} ms; largest"
        f" difference of logits {far['first click']:.1g} (first click), {far['refinement']:.1g} (refinement)"
    )


if __name__ == "__main__":
    main()
