"""`python -m benchmarks.workbench`: the page itself, in a real Chromium on a running product.

Main-thread time while panning and zooming, from click to painted mask beside the bare decoder, from one image to the
next, and memory after many images. A headless browser draws in software.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from benchmarks.tables import describe_run, format_table, write_section
from benchmarks.workbench.site import LIMIT_MS, Site, site, wait_for_model, workbench
from launcher.chromium import find_chromium

TITLE = "Workbench"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")
MASKS = (10, 100, 1000)
SIDES = {12: (4000, 3000), 50: (8660, 5774), 100: (11547, 8660)}  # megapixels: width, height
MASKS_ON_LARGE = 10
PLAIN = (1024, 768)
STEPS = 60
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workbench", description=__doc__)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument(
        "--images", type=int, default=200, help="to go through, one after the other"
    )
    parser.add_argument("--masks", type=int, nargs="*", default=MASKS)
    parser.add_argument("--megapixels", type=int, nargs="*", choices=SIDES, default=list(SIDES))
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with sync_playwright() as playwright, site() as place:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        parts = [
            frames(browser, place, masks=asked.masks, megapixels=asked.megapixels),
            clicks(browser, place, count=asked.clicks),
            images(browser, place, count=asked.images),
        ]
        version = browser.version
        browser.close()
    head = f"{describe_run('python -m benchmarks.workbench')}. Chromium {version}, headless, drawing in software."
    text = "\n\n".join([head, *parts])
    print(text)
    if asked.write:
        write_section(TITLE, text)


def frames(
    browser: Browser, place: Site, *, masks: Sequence[int], megapixels: Sequence[int]
) -> str:
    """Main-thread milliseconds of a step of the hand, each step waiting for its frame."""
    cases = [(SIDES[12], count) for count in masks]
    cases += [(SIDES[size], MASKS_ON_LARGE) for size in megapixels]
    rows = []
    for (width, height), count in cases:
        project, client = place.project(f"frames {width} {count}", [(width, height)])
        place.add_masks(client, project, count)
        with workbench(browser, place, client, project) as page:
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            costs = [main_thread_ms(page, session, act) for act in (hover, pan, zoom)]
        size = f"{width * height / 1e6:.0f} megapixels, {count:,} masks"
        rows.append([size, *(f"{cost:.1f}" for cost in costs)])
    table = format_table(
        ["ms a step", "the pointer alone, with previews", "panning", "zooming"], rows
    )
    return f"Main-thread time of one step of the hand, {STEPS} steps, each waiting for its frame:\n\n{table}"


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


def clicks(browser: Browser, place: Site, *, count: int) -> str:
    """From the pointer going down to the painted mask, and the bare decoder, taking turns."""
    project, client = place.project("clicks", [PLAIN])
    with workbench(browser, place, client, project) as page:
        assignment = client.post(f"/projects/{project}/assignments/next", {"ahead": 0})
        base = page.evaluate("() => new URL(document.body.dataset.static, location.href).href")
        given = {"assignment": assignment["assignment"], "base": base}
        box = page.locator("#stage").bounding_box()
        if box is None:
            raise LookupError("the page has no stage")
        shown, bare = [], []
        for number in range(count + WARM_UP):
            across, down = 0.3 + 0.4 * (number * 0.37 % 1), 0.3 + 0.4 * (number * 0.61 % 1)
            page.keyboard.press("Escape")
            page.evaluate("() => armClick()")
            page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
            shown.append(float(page.evaluate("() => clicked")))
            asked = {**given, "spot": [across, down]}
            bare.append(float(page.evaluate("asked => decodeBare(asked)", asked)))
    product, decoder = spread(shown[WARM_UP:]), spread(bare[WARM_UP:])
    rows = [
        ["click to painted mask, in the product", str(product)],
        ["the bare decoder, in the same page", str(decoder)],
        ["the page's own share", f"{product.median - decoder.median:.0f}"],
    ]
    head = f"{count} first clicks on a picture of {PLAIN[0]}×{PLAIN[1]}, taking turns"
    return f"{head}:\n\n{format_table(['median [p95]', 'ms'], rows)}"


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
