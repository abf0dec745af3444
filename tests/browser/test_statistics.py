"""The statistics page: compared with another project, each chart with its definition, table and CSV one click away."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import (
    accept_a_mask,
    accessibility_problems,
    ellipse,
    new_project,
    scene,
    upload,
)
from tests.live_product import LiveProduct

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
NUM_CHARTS = 4


def masked(product: LiveProduct, *, num_masks: int, seed: int) -> str:
    """A project with so many masks in one image."""
    project = new_project(product)
    files = {"quay.png": scene(seed)}
    upload(product, project, files)
    for _ in range(num_masks):
        accept_a_mask(product, project)
    return project


def test_two_projects_are_compared_and_every_chart_explains_itself(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = masked(product, num_masks=2, seed=180)
    other = masked(product, num_masks=1, seed=181)
    name = product.session("manager").get(f"/api/v1/projects/{other}").json()["name"]
    page = open_page("manager", f"/projects/{project}/statistics")
    expect(page.locator("figcaption")).to_have_count(1)
    page.get_by_label("Compared with").select_option(f"project:{other}")
    expect(page.locator("figcaption")).to_have_count(2)
    expect(page.locator(".figures")).to_contain_text(f"{name}: 1")
    assert accessibility_problems(page) == []

    terms = page.get_by_role("button", name="What is shown")
    assert terms.count() == NUM_CHARTS
    for term in terms.all():
        term.click()
        definition = page.locator(f"#{term.get_attribute('popovertarget')}")
        expect(definition).to_be_visible()
        page.keyboard.press("Escape")
    sizes = page.get_by_role("region", name="Relative size").first
    sizes.get_by_text("The same as a table").click()
    size = (ellipse().sum() / ellipse().size) ** 0.5
    low = int(size * 20) / 20
    row = sizes.get_by_role("row", name=f"{low:.2f} to {low + 0.05:.2f}")
    expect(row.get_by_role("cell")).to_have_text(["2", "100.0 %", "1", "100.0 %"])
    links = page.get_by_role("link", name="CSV")
    assert links.count() == NUM_CHARTS
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV: Relative size").click()
    path = tmp_path / "sizes.csv"
    started.value.save_as(path)
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(one["low"]) for one in lines if one["count"] == "2"] == [pytest.approx(low)]
