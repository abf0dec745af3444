"""The dashboard's charts: what is drawn lies where its number says, measured against the chart's own axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import new_project
from tests.live_product import LiveProduct

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
# Draws places in a frame of its own; returns every corner of the line of a class as a number of the axis.
DRAWN = """async ({ places, look, line }) => {
  const page = document.querySelector('script[src*="pages/dashboard.js"]').src;
  const { drawSpreads } = await import(new URL('../widgets/spread_chart.js', page).href);
  const frame = document.body.appendChild(document.createElement('div'));
  drawSpreads(frame, places, { unit: ' s', counted: 'masks', summary: 'a test', ...look });
  const grid = [...frame.querySelectorAll('.chart-grid')].map((one) => Number(one.getAttribute('y1')));
  const [low, , high] = grid;
  const top = parseFloat(frame.querySelectorAll('.chart-label')[2].textContent);
  const value = (y) => (top * (low - y)) / (low - high);
  const lines = [...frame.querySelectorAll(line)].map((one) =>
    one.getAttribute('points').split(' ').map((point) => value(Number(point.split(',')[1]))));
  const words = [...frame.querySelectorAll('.chart-label')].map((one) => one.textContent);
  frame.remove();
  return { lines, words };
}"""


@pytest.fixture
def drawn(product: LiveProduct, open_page: OpenPage) -> Callable[..., dict[str, Any]]:
    page = open_page("manager", f"/projects/{new_project(product)}/dashboard")
    expect(page.locator("#dashboard")).to_have_attribute("aria-busy", "false")

    def draw(places: list[dict[str, Any]], line: str, **look: Any) -> dict[str, Any]:
        found: dict[str, Any] = page.evaluate(DRAWN, {"places": places, "look": look, "line": line})
        return found

    return draw


def place(middle: float | None, step: int = 0, upper: float | None = None) -> dict[str, Any]:
    return {
        "label": f"v{step}",
        "tooltip": "",
        "count": 3,
        "middle": middle,
        "upper": upper,
        "step": step,
    }


def test_the_papers_line_falls_from_34_to_14_seconds_with_the_retrainings(
    drawn: Callable[..., dict[str, Any]],
) -> None:
    paper = {"first": 34, "last": 14, "steps": 6}
    places = [place(30, 0, 38), place(25, 3, 36), place(12, 6, 20), place(11, 9, 19)]
    found = drawn(places, ".chart-paper", paper=paper, least=40)
    # From the left edge, over each version by its retrainings, to the right edge; after the sixth it stays.
    assert found["lines"] == [pytest.approx([34, 34, 24, 14, 14, 14])]
    assert "14 s paper" in found["words"]
    medians = drawn(places, ".chart-median", paper=paper, least=40)["lines"]
    assert medians == [pytest.approx([30, 25, 12, 11])]


def test_by_day_the_paper_stands_at_its_first_and_last_figure(
    drawn: Callable[..., dict[str, Any]],
) -> None:
    paper = {"first": 34, "last": 14, "steps": None}
    places = [place(56, upper=72), place(None), place(28, upper=33)]
    found = drawn(places, ".chart-paper", paper=paper, least=40)
    assert found["lines"] == [pytest.approx([34, 34]), pytest.approx([14, 14])]
    assert {"34 s paper", "14 s paper", "80 s"} <= set(found["words"]), "the axis holds the p90"
    assert drawn(places, ".chart-median", paper=paper, least=40)["lines"] == [
        pytest.approx([56, 28])
    ], "a day without a timed mask has no point"


def test_masks_per_image_climb_from_20_to_44(drawn: Callable[..., dict[str, Any]]) -> None:
    paper = {"first": 20, "last": 44, "steps": 6}
    found = drawn([place(18, 0), place(40, 4)], ".chart-paper", paper=paper, least=50, unit="")
    assert found["lines"] == [pytest.approx([20, 20, 36, 36])]
    assert "36 paper" in found["words"]
