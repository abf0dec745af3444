"""`python -m benchmarks.workbench`: the page itself, in a real Chromium on a running product.

Main-thread time while panning and zooming, from click to painted mask beside the bare decoder, from one image to the
next, and memory after many images. With `--beside` another checkout's page takes turns with this one's on the same
product. A headless browser draws in software.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from benchmarks.tables import describe_run, format_table, write_section
from benchmarks.workbench.site import LIMIT_MS, Site, fresh_page, site, wait_for_model, workbench
from launcher.chromium import find_chromium
from simulation.client import Client

TITLE = "Workbench"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")
MASKS = (10, 100, 1000)
SIDES = {12: (4000, 3000), 50: (8660, 5774), 100: (11547, 8660)}  # megapixels: width, height
MASKS_ON_LARGE = 10
PLAIN = (1024, 768)
MIDDLE = (1500, 1000)
TURNS = 3
STEPS = 20
WARM_UP = 5
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => done(true)))"


@dataclass(frozen=True)
class Spread:
    """Middle and slow end of some milliseconds."""

    median: float
    p95: float

    def __str__(self) -> str:
        return f"{self.median:.0f} [{self.p95:.0f}]"


def spread(values: Sequence[float]) -> Spread:
    found = quantiles(values, n=20, method="inclusive")
    return Spread(found[9], found[18])


@dataclass(frozen=True)
class Place:
    """A running product, and the checkouts whose pages are opened there: None is this one."""

    site: Site
    browser: Browser
    checkouts: Sequence[Path | None]

    @contextmanager
    def pages(self, client: Client, project: str) -> Iterator[list[Page]]:
        """A page of each checkout, on the same image."""
        with ExitStack() as stack:
            yield [
                stack.enter_context(
                    workbench(self.browser, self.site, client, project, checkout=checkout)
                )
                for checkout in self.checkouts
            ]


def side_by_side(values: Sequence[float], write: str = "{:.1f}") -> str:
    """One number; with another checkout's before it, both and how many times smaller ours is."""
    *others, ours = values
    text = write.format(ours)
    return f"{write.format(others[0])} → {text} ({others[0] / ours:.1f}×)" if others else text


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workbench", description=__doc__)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument(
        "--images", type=int, default=200, help="to go through, one after the other"
    )
    parser.add_argument("--masks", type=int, nargs="*", default=MASKS)
    parser.add_argument("--megapixels", type=int, nargs="*", choices=SIDES, default=list(SIDES))
    parser.add_argument(
        "--opened", type=int, nargs="*", default=[1000], help="masks on an image that is opened"
    )
    parser.add_argument("--beside", type=Path, help="checkout whose page takes turns with ours")
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with sync_playwright() as playwright, site() as running:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        checkouts = [asked.beside.resolve(), None] if asked.beside else [None]
        place = Place(running, browser, checkouts)
        sizes = [SIDES[size] for size in asked.megapixels]
        parts = [
            frames(place, masks=asked.masks, sizes=sizes),
            clicks(place, sizes=[PLAIN, *sizes], count=asked.clicks),
        ]
        if asked.opened:
            parts.append(openings(place, masks=asked.opened))
        if asked.images:
            parts.append(images(browser, running, count=asked.images))
        version = browser.version
        browser.close()
    head = f"{describe_run('python -m benchmarks.workbench')}. Chromium {version}, headless, drawing in software."
    text = "\n\n".join([head, *parts])
    print(text)
    if asked.write:
        write_section(TITLE, text)


def frames(place: Place, *, masks: Sequence[int], sizes: Sequence[tuple[int, int]]) -> str:
    """Main-thread milliseconds of a step of the hand, each step waiting for its frame."""
    cases = [(SIDES[12], count) for count in masks]
    cases += [(size, MASKS_ON_LARGE) for size in sizes]
    rows = []
    for (width, height), count in dict.fromkeys(cases):  # a size may be asked for twice
        project, client = place.site.project(f"frames {width} {count}", [(width, height)])
        place.site.add_masks(client, project, count)
        with place.pages(client, project) as pages:
            costs = [in_turns(pages, act) for act in (hover, pan, zoom)]
        size = f"{width * height / 1e6:.0f} megapixels, {count:,} masks"
        rows.append([size, *map(side_by_side, costs)])
    table = format_table(
        ["ms a step", "the pointer alone, with previews", "panning", "zooming"], rows
    )
    steps = f"{TURNS} turns of {STEPS} steps"
    return (
        f"Main-thread time of one step of the hand, {steps}, each waiting for its frame:\n\n{table}"
    )


def in_turns(pages: Sequence[Page], act: Callable[[Page, int], None]) -> list[float]:
    """Mean milliseconds of a step in each page."""
    sessions = [page.context.new_cdp_session(page) for page in pages]
    for session in sessions:
        session.send("Performance.enable")
    costs = [
        [main_thread_ms(page, session, act) for page, session in zip(pages, sessions, strict=True)]
        for _ in range(TURNS)
    ]
    return [fmean(column) for column in zip(*costs, strict=True)]


def main_thread_ms(page: Page, session: CDPSession, act: Callable[[Page, int], None]) -> float:
    """Mean over the steps of an act, after a few that warm up."""
    for number in range(WARM_UP):
        act(page, number)
    before = busy_seconds(session)
    for number in range(STEPS):
        act(page, number)
        page.evaluate(NEXT_FRAME)
    page.mouse.up(button="middle")
    return 1000 * (busy_seconds(session) - before) / STEPS


def busy_seconds(session: CDPSession) -> float:
    """What the main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def hover(page: Page, number: int) -> None:
    page.mouse.move(400 + 4 * (number % 30), 420)


def pan(page: Page, number: int) -> None:
    if number == 0:
        page.mouse.move(500, 420)
        page.mouse.down(button="middle")
    page.mouse.move(500 + 5 * (number % 40), 420 + 3 * (number % 40))


def zoom(page: Page, number: int) -> None:
    page.mouse.wheel(0, -120 if number % 20 < 10 else 120)


def openings(place: Place, *, masks: Sequence[int]) -> str:
    """Main-thread milliseconds from nothing to an image with its masks, drawn."""
    rows = []
    for count in masks:
        for width, height in (MIDDLE, SIDES[12]):
            project, client = place.site.project(f"opened {width} {count}", [(width, height)])
            place.site.add_masks(client, project, count)
            costs = [
                [open_ms(place, client, project, checkout, count) for checkout in place.checkouts]
                for _ in range(TURNS)
            ]
            size = f"{width * height / 1e6:.1f} megapixels, {count:,} masks"
            means = [fmean(column) for column in zip(*costs, strict=True)]
            rows.append([size, side_by_side(means, "{:.0f}")])
    table = format_table(["ms", "opening"], rows)
    head = "Main-thread time from an empty page to the image, its masks drawn, without the model"
    return f"{head}, {TURNS} turns:\n\n{table}"


def open_ms(place: Place, client: Client, project: str, checkout: Path | None, count: int) -> float:
    """What the main thread of a new page has worked until a frame after the list stands there."""
    with fresh_page(place.browser, place.site, client, checkout=checkout) as page:
        page.context.route("**/vendor/ort/**", lambda route: route.abort())
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(f"/projects/{project}/annotate")
        expect(page.locator(".panel-count")).to_have_text(str(count), timeout=LIMIT_MS)
        for _ in range(2):
            page.evaluate(NEXT_FRAME)
        return 1000 * busy_seconds(session)


def clicks(place: Place, *, sizes: Sequence[tuple[int, int]], count: int) -> str:
    """From the pointer going down to the painted mask, and the bare decoder, taking turns."""
    rows = []
    for size in sizes:
        project, client = place.site.project(f"clicks {size[0]}", [size])
        with place.pages(client, project) as pages:
            lease = client.post(f"/projects/{project}/assignments/next", {"ahead": 0})["assignment"]
            times = click_in_turns(pages, lease, count=count)
        rows += click_rows(f"{size[0]}×{size[1]}", times)
    head = f"{count} first clicks on each picture, taking turns, median [p95]"
    columns = ["picture", "ms", *["before", "now"][-len(place.checkouts) :]]
    return f"{head}:\n\n{format_table(columns, rows)}"


def click_rows(picture: str, times: Sequence[tuple[Spread, Spread]]) -> list[list[str]]:
    shares = [f"{shown.median - bare.median:.0f}" for shown, bare in times]
    return [
        [picture, "click to painted mask, in the product", *(str(shown) for shown, _ in times)],
        [picture, "the bare decoder, in the same page", *(str(bare) for _, bare in times)],
        [picture, "the page's own share", *shares],
    ]


def click_in_turns(
    pages: Sequence[Page], lease: dict[str, object], *, count: int
) -> list[tuple[Spread, Spread]]:
    """Milliseconds to the painted mask and of the bare decoder, for each page."""
    found: list[tuple[list[float], list[float]]] = [([], []) for _ in pages]
    for number in range(count + WARM_UP):
        spot = (0.3 + 0.4 * (number * 0.37 % 1), 0.3 + 0.4 * (number * 0.61 % 1))
        for page, (shown, bare) in zip(pages, found, strict=True):
            shown.append(painted_ms(page, spot))
            base = page.evaluate("() => new URL(document.body.dataset.static, location.href).href")
            asked = {"assignment": lease, "base": base, "spot": spot}
            bare.append(float(page.evaluate("asked => decodeBare(asked)", asked)))
    return [(spread(shown[WARM_UP:]), spread(bare[WARM_UP:])) for shown, bare in found]


def painted_ms(page: Page, spot: tuple[float, float]) -> float:
    """A click on an empty hand, at shares of the stage's width and height."""
    box = page.locator("#stage").bounding_box()
    if box is None:
        raise LookupError("the page has no stage")
    page.keyboard.press("Escape")
    page.evaluate("() => armClick()")
    page.mouse.click(box["x"] + spot[0] * box["width"], box["y"] + spot[1] * box["height"])
    return float(page.evaluate("() => clicked"))


def images(browser: Browser, place: Site, *, count: int) -> str:
    """From handing in to the next image with its model ready, and the page's memory on the way."""
    project, client = place.project("images", [PLAIN] * (count + 1))
    opened, memory = [], []
    with workbench(browser, place, client, project) as page:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        for number in range(count):
            name = page.locator(".bar-image").inner_text()
            began = page.evaluate("() => performance.now()")
            page.keyboard.press("Control+Enter")
            expect(page.locator(".bar-image")).not_to_have_text(name, timeout=LIMIT_MS)
            wait_for_model(page)
            opened.append(page.evaluate("() => performance.now()") - began)
            if number in {9, count - 1}:
                session.send("HeapProfiler.collectGarbage")
                memory.append((number + 1, heap_mib(session)))
    times = spread(opened)
    told = "; ".join(f"{size:.0f} MiB after {number} images" for number, size in memory)
    head = f"From Ctrl+Enter to the next image with its model ready, {count} images, median [p95]"
    return f"{head}: {times} ms. JavaScript heap: {told}."


def heap_mib(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")) / 2**20


if __name__ == "__main__":
    main()
