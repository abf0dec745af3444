"""Models and rounds in a real browser, on the live product."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import (
    accept_a_mask,
    accessibility_problems,
    new_project,
    scene,
    upload,
)
from tests.comparisons import comparison, difference
from tests.live_product import LiveProduct
from tests.patience import LONG_MS

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
TRAINED_MS = 1_200_000  # scoring two models and exporting graphs is slow on a busy machine


def test_a_round_is_started_watched_and_leaves_a_candidate(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    manager = product.session("manager")
    files = {"quay.png": scene(4), "pier.png": scene(5)}
    upload(product, project, files)
    held_out = manager.get(f"/api/v1/projects/{project}/images").json()["images"][0]["id"]
    assert manager.request("PATCH", f"/api/v1/images/{held_out}", {"held_out": True}).status == 200
    for _ in files:
        taken = accept_a_mask(product, project)
        product.session("annotator").post(f"/api/v1/assignments/{taken['id']}/submit")
    page = open_page("admin", "/models")
    form = page.locator("form").filter(has=page.locator(f"#start-{project}"))
    expect(page.locator(f"#new-{project}")).to_contain_text("2 new masks")
    form.get_by_text("Settings").click()
    form.get_by_label("Steps").fill("1")
    form.get_by_label("At most minutes").fill("1")
    form.get_by_role("button", name="Retrain on the new masks now").click()
    expect(page.locator("#running progress")).to_have_count(1)
    expect(page.locator(f"#start-{project}")).to_be_disabled()
    rounds = page.locator(f"#rounds-{project}")
    expect(rounds.locator(".chip")).to_have_text(re.compile("done|failed"), timeout=TRAINED_MS)
    expect(rounds.locator(".chip")).to_have_text("done")
    expect(page.locator("#versions")).to_contain_text("candidate")
    expect(page.locator(f"#new-{project}")).to_contain_text("0 new masks")
    name = manager.get(f"/api/v1/projects/{project}").json()["name"]
    page.get_by_role("link", name=f"{name} round 1").click()
    first_click = page.locator("tr").filter(has_text="IoU after the first click")
    expect(first_click.locator("td").last).to_contain_text("image")
    for picture in page.locator(".cases img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("picture => picture.naturalWidth") > 0
    assert accessibility_problems(page) == []


def copy_of_the_model_in_use(product: LiveProduct, name: str) -> tuple[str, str]:
    """The id of the model in use, and that of a new version with the same files."""
    newest = "SELECT model_version_id FROM annotator_promotion ORDER BY id DESC LIMIT 1"
    [(base,)] = product.ask(newest)
    version, fingerprint = str(uuid.uuid4()), uuid.uuid4().hex * 2
    product.ask(
        """INSERT INTO annotator_modelversion (id, name, bundle_fingerprint, encoder_fingerprint, manifest,
            scores, parent_id, created_at)
        SELECT %s, %s, %s, encoder_fingerprint, manifest, scores, id, now()
        FROM annotator_modelversion WHERE id = %s RETURNING id""",
        *(version, name, fingerprint, base),
    )
    return str(base), version


def insert_comparison(
    product: LiveProduct, base: str, candidate: str, stored: dict[str, Any]
) -> None:
    """What a job that has ended measured of two versions."""
    job = str(uuid.uuid4())
    product.ask(
        """INSERT INTO annotator_job (id, kind, subject, state, request, result, priority, attempt, max_attempts,
            token, progress, message, error, created_at, finished_at)
        VALUES (%s, 'compare', %s, 'done', '{}', '{}', 0, 1, 3, 1, 1.0, '', '', now(), now()) RETURNING id""",
        *(job, f"{base} {candidate}"),
    )
    product.ask(
        """INSERT INTO annotator_versioncomparison (id, base_id, candidate_id, job_id, found, compared_at, created_at)
        VALUES (%s, %s, %s, %s, %s, now(), now()) RETURNING id""",
        *(str(uuid.uuid4()), base, candidate, job, json.dumps(stored)),
    )


def test_a_worse_candidate_is_promoted_with_a_reason_and_rolled_back(
    product: LiveProduct, open_page: OpenPage
) -> None:
    """A copy of the model in use whose comparison says that it got worse."""
    stored = comparison(first_capped=difference(0.8, 0.7))
    before, version = copy_of_the_model_in_use(product, "a worse one")
    insert_comparison(product, before, version, stored)
    page = open_page("admin", f"/models/{version}")
    expect(page.locator("#verdict")).to_contain_text("Worse than")
    page.get_by_role("button", name="Promote although worse").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why shall it be used all the same?").fill("   ")
    dialog.get_by_role("button", name="Promote although worse").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("Why shall it be used all the same?").fill("Only for this test")
    dialog.get_by_role("button", name="Promote although worse").click()
    expect(page.locator("#promotions li").first).to_contain_text("a worse one")
    expect(page.locator("#promotions li").first).to_contain_text("Only for this test")
    told = product.ask("SELECT act FROM annotator_auditentry WHERE subject = %s", version)
    assert ("model.gate_overridden",) in told
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.locator("#promotions li").first).not_to_contain_text("a worse one")


def test_two_versions_are_compared_and_the_page_follows(
    product: LiveProduct, open_page: OpenPage
) -> None:
    """The second version's files are gone, which the worker tells; then it shows what another job measured."""
    project, manager = new_project(product), product.session("manager")
    upload(product, project, {"quay.png": scene(6)})
    accept_a_mask(product, project)
    image = manager.get(f"/api/v1/projects/{project}/images").json()["images"][0]["id"]
    assert manager.request("PATCH", f"/api/v1/images/{image}", {"held_out": True}).status == 200
    base, version = copy_of_the_model_in_use(product, "a twin")
    page = open_page("admin", "/models")
    page.get_by_role("link", name="Compare two versions").click()
    page.get_by_label("Before", exact=True).select_option(base)
    page.get_by_label("This version", exact=True).select_option(version)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("#pair")).to_contain_text("storage has no bundle", timeout=LONG_MS)
    assert accessibility_problems(page) == []
    stored = comparison(first_capped=difference(0.6, 0.8))
    product.ask(
        """UPDATE annotator_versioncomparison SET found = %s, compared_at = now()
        WHERE candidate_id = %s RETURNING id""",
        *(json.dumps(stored), version),
    )
    expect(page.locator("#verdict")).to_contain_text("Better than")  # by itself
    expect(page.locator("tr").filter(has_text="after the first click")).to_contain_text("+0.200")
    page.goto("/models")
    row = page.locator("#versions tr").filter(has_text="a twin")
    expect(row).to_contain_text("better")


def test_a_checkpoint_that_is_none_is_refused_with_its_reason(
    product: LiveProduct, open_page: OpenPage
) -> None:
    folder = Path(product.product.settings["MASKWRIGHT_CHECKPOINTS"])
    page = open_page("admin", "/models")
    expect(page.locator("#checkpoints")).to_contain_text(str(folder))
    folder.mkdir(exist_ok=True)
    (folder / "mobile_sam.pt").write_bytes(b"no weights")
    (folder / "sam_vit_b_01ec64.pth").write_bytes(b"no weights")
    page.reload()
    expect(page.get_by_label("Architecture")).to_have_value("vit_t")
    page.get_by_label("File").select_option("sam_vit_b_01ec64.pth")
    expect(page.get_by_label("Architecture")).to_have_value("vit_b")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_label("Registering sam_vit_b_01ec64.pth")).to_be_visible()
    state = page.locator("#registrations .chip").first
    expect(state).to_have_text("failed", timeout=2 * LONG_MS)
    page.locator("#registrations summary").first.click()
    expect(page.locator("#registrations")).to_contain_text("could run code on this server")
    assert accessibility_problems(page) == []


def insert_round(
    product: LiveProduct, project: str, *, number: int, hours_ago: float, candidate: str | None
) -> None:
    """A round that ended well."""
    job = str(uuid.uuid4())
    product.ask(
        """INSERT INTO annotator_job (id, kind, subject, state, request, result, priority, attempt, max_attempts,
            token, progress, message, error, created_at, finished_at)
        VALUES (%s, 'train', %s, 'done', '{}', '{}', 0, 1, 3, 1, 1.0, '', '', now() - %s * interval '1 hour', now())
        RETURNING id""",
        *(job, f"{project} {number}", hours_ago),
    )
    product.ask(
        """INSERT INTO annotator_round (id, project_id, number, job_id, snapshot_key, num_images, num_masks, base_id,
            candidate_id, settings, created_at)
        SELECT %s, %s, %s, %s, 'none', 1, 1, model_version_id, %s, '{}', now()
        FROM annotator_promotion ORDER BY id DESC LIMIT 1 RETURNING id""",
        *(str(uuid.uuid4()), project, number, job, candidate),
    )


def test_the_rounds_of_a_project_are_told_in_a_table_and_charts(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    page = open_page("manager", f"/projects/{project}/rounds")
    expect(page.get_by_role("heading", name="No round yet")).to_be_visible()
    upload(product, project, {"quay.png": scene(7)})
    taken = accept_a_mask(product, project)
    product.session("annotator").post(f"/api/v1/assignments/{taken['id']}/submit")
    _, candidate = copy_of_the_model_in_use(product, "of round 1")
    scores = {"held_out": {"after": {"miou_at": {"1": 0.55, "3": 0.7}}}}
    change = "UPDATE annotator_modelversion SET scores = %s WHERE id = %s RETURNING id"
    product.ask(change, json.dumps(scores), candidate)
    insert_round(product, project, number=1, hours_ago=1, candidate=candidate)
    insert_round(product, project, number=2, hours_ago=0, candidate=None)
    page.reload()
    first = page.locator("#rounds tr").last
    expect(first).to_contain_text("0.550")
    expect(first).to_contain_text("not promoted")
    expect(page.locator("#rounds tr").first).to_contain_text("since")
    second = page.locator("#rounds tr").nth(1)
    expect(second.locator("td").nth(1)).to_have_text("1")  # the mask came after the first round
    expect(second.locator("td").nth(3)).to_have_text("1.0")
    for chart in ("seconds-chart", "per-image-chart", "score-chart"):
        expect(page.locator(f"#{chart} svg[role=img]")).to_have_count(1)
    told = page.locator("#score-chart svg").get_attribute("aria-label")
    assert told is not None and "round 1: 0.55 after 1 click, 0.70 after 3" in told
    for summary in page.get_by_text("The same as a table").all():
        summary.click()
    expect(page.locator("#per-image-table tr").last).to_contain_text("1.0")
    assert accessibility_problems(page) == []
