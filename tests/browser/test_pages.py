"""The managers' and admins' pages in a real browser, on the live product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, WebSocketRoute, expect
from pycocotools.coco import COCO

from tests.browser.projects import (
    HEIGHT,
    WIDTH,
    accept_a_mask,
    accessibility_problems,
    ellipse,
    new_project,
    scene,
)
from tests.http_session import PASSWORD
from tests.live_product import LiveProduct
from tests.patience import LONG_MS
from tests.webhook_receiver import running_receiver

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
TRAINED_MS = 1_200_000  # scoring two models and exporting graphs is slow on a busy machine


@pytest.fixture(scope="module")
def project(product: LiveProduct) -> str:
    return new_project(product)


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def test_a_link_sets_the_password_and_leads_to_the_start(
    product: LiveProduct, open_page: OpenPage
) -> None:
    admin = product.session("admin")
    name = f"newcomer-{uuid.uuid4().hex[:6]}"
    person = admin.post("/api/v1/people", {"name": name}).json()["id"]
    link = admin.post(f"/api/v1/people/{person}/sign-in-link").json()["url"]
    page = open_page(None, link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password and sign in").click()
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/sign-in$"))
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_good_and_bad_files_each_get_their_answer_and_good_ones_become_ready(
    open_page: OpenPage, project: str
) -> None:
    page = open_page("manager", f"/projects/{project}/images")
    expect(page.get_by_role("heading", name="No images yet")).to_be_visible()
    good = scene(1)
    page.locator("#files").set_input_files(
        [payload("quay.png", good), payload("notes.png", b"no picture at all")]
    )
    lines = page.locator(".upload-line")
    expect(lines.filter(has_text="quay.png")).to_contain_text("Added")
    expect(lines.filter(has_text="notes.png")).to_contain_text("Refused")
    card = page.locator(".image-card").filter(has_text="quay.png")
    expect(card).to_have_count(1)
    page.locator("#files").set_input_files([payload("again.png", good)])
    expect(lines.filter(has_text="again.png")).to_contain_text("Here already")
    expect(card.locator(".chip")).to_have_text("Ready", timeout=LONG_MS)
    expect(page.locator("#total")).to_have_text("1")
    page.get_by_label("Search by name").fill("lighthouse")
    expect(page.get_by_role("heading", name="No image matches")).to_be_visible()


def test_the_dashboard_moves_by_itself_when_a_mask_is_accepted(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    uploaded = product.session("manager").upload(
        f"/api/v1/projects/{project}/images", {"quay.png": scene(2)}
    )
    assert uploaded.status == 201, uploaded.content
    page = open_page("manager", f"/projects/{project}/dashboard")
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#masks")).to_have_text("0")
    assignment = accept_a_mask(product, project)
    expect(page.locator("#masks")).to_have_text("1")
    expect(page.locator("#masks-per-hour")).to_have_text("1")
    expect(page.locator("#people-table tbody tr")).to_contain_text("Demo annotator")
    product.session("annotator").post(f"/api/v1/assignments/{assignment['id']}/submit")
    expect(page.locator("#left")).to_have_text("0")
    expect(page.locator("#forecast")).to_contain_text("Nothing is left")
    page.get_by_role("button", name="masks in the last hour").click()
    expect(page.locator("#term-hour")).to_be_visible()


def test_each_chart_of_the_dashboard_has_its_definition_table_and_csv(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = new_project(product)
    product.session("manager").upload(
        f"/api/v1/projects/{project}/images", {"quay.png": scene(6), "pier.png": scene(7)}
    )
    done = accept_a_mask(product, project)
    product.session("annotator").post(f"/api/v1/assignments/{done['id']}/submit")
    page = open_page("manager", f"/projects/{project}/dashboard")
    expect(page.locator("#days-chart svg")).to_have_attribute("aria-label", re.compile("1 mask"))
    for name in ("hours", "models", "per-image"):
        expect(page.locator(f"#{name}-chart svg")).to_be_visible()
    expect(page.locator("#models-table tbody tr")).to_have_count(1)
    expect(page.locator("#per-image")).to_have_text("1.0")
    links = page.locator("a[data-table]")
    assert links.count() == 10
    for link in links.all():
        section = link.get_attribute("aria-label").removeprefix("CSV: ")  # type: ignore[union-attr]
        term = page.get_by_role("button", name=f"What is shown: {section}")
        term.click()
        definition = page.locator(f"#{term.get_attribute('popovertarget')}")
        expect(definition).to_be_visible()
        page.keyboard.press("Escape")
        expect(definition).to_be_hidden()
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("#dashboard")).to_have_attribute("aria-busy", "false")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV: By person").click()
    assert "days=7" in started.value.url
    path = tmp_path / "people.csv"
    started.value.save_as(path)
    heading, row = path.read_text().splitlines()
    assert heading.startswith("person,masks,")
    assert row.startswith("Demo annotator,1,")
    page.get_by_role("button", name="By person", exact=True).click()
    for name in ("phases", "effort", "endings", "latency"):
        expect(page.locator(f"#{name}-table tbody th")).to_have_text(["All", "Demo annotator"])


def test_the_dashboard_reads_everything_again_after_a_reconnection(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    product.session("manager").upload(f"/api/v1/projects/{project}/images", {"quay.png": scene(8)})
    page = open_page("manager", "/")
    sockets: list[WebSocketRoute] = []

    def deaf(socket: WebSocketRoute) -> None:
        """The first socket carries no hint; later ones are as usual."""
        server = socket.connect_to_server()
        if not sockets:
            server.on_message(lambda message: None)
        sockets.append(socket)

    page.route_web_socket(re.compile("/ws/projects/"), deaf)
    page.goto(f"/projects/{project}/dashboard")
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#masks")).to_have_text("0")
    accept_a_mask(product, project)
    with page.expect_response(re.compile(r"/throughput\?")):
        sockets[0].close(code=1012)
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#masks")).to_have_text("1")
    assert len(sockets) == 2


def test_an_export_is_downloaded_and_loads(
    product: LiveProduct, open_page: OpenPage, tmp_path: Path
) -> None:
    project = new_project(product)
    manager = product.session("manager")
    manager.upload(f"/api/v1/projects/{project}/images", {"quay.png": scene(3)})
    accept_a_mask(product, project)
    page = open_page("manager", f"/projects/{project}/images")
    expect(page.locator(".image-card")).to_contain_text("1 mask")
    page.get_by_role("button", name="Export", exact=True).click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=LONG_MS)
    with page.expect_download() as started:
        link.click()
    path = tmp_path / "export.json"
    started.value.save_as(path)
    coco = COCO(path)
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    mask = coco.annToMask(annotation)
    assert mask.shape == (HEIGHT, WIDTH)
    assert np.array_equal(mask.astype(bool), ellipse())
    assert json.loads(path.read_text())["images"][0]["width"] == WIDTH

    page.get_by_text("Export only a part").click()
    page.get_by_label("Made by").select_option(index=1)
    page.get_by_label("Origin").select_option("imported")
    page.get_by_role("button", name="Export", exact=True).click()
    state = page.locator("#export-state")
    expect(state).to_contain_text("0 masks as COCO RLE, the part you chose", timeout=LONG_MS)
    page.get_by_role("button", name="All masks").click()
    page.get_by_role("button", name="Export", exact=True).click()
    expect(state).to_have_text("The export is ready: 1 mask as COCO RLE.", timeout=LONG_MS)


def test_a_round_is_started_watched_and_leaves_a_candidate(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    manager = product.session("manager")
    files = {"quay.png": scene(4), "pier.png": scene(5)}
    manager.upload(f"/api/v1/projects/{project}/images", files)
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
    measures = {"first_capped": {**measured(0.8, 0.7), "by_group": {}}}
    stored = {"replayed_on": "held_out", "measures": measures, "cases": []}
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
    manager.upload(f"/api/v1/projects/{project}/images", {"quay.png": scene(6)})
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
    measures = {"first_capped": {**measured(0.6, 0.8), "by_group": {}}}
    stored = {"replayed_on": "held_out", "measures": measures, "cases": []}
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
    project, manager = new_project(product), product.session("manager")
    page = open_page("manager", f"/projects/{project}/rounds")
    expect(page.get_by_role("heading", name="No round yet")).to_be_visible()
    manager.upload(f"/api/v1/projects/{project}/images", {"quay.png": scene(7)})
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


def measured(current: float, candidate: float) -> dict[str, Any]:
    """One measure that is surely better or worse."""
    change = round(candidate - current, 4)
    return {
        "num_masks": 9,
        "num_images": 6,
        "current": current,
        "candidate": candidate,
        "difference": change,
        "interval": [change - 0.01, change + 0.01],
    }


def test_the_system_page_shows_a_healthy_installation(open_page: OpenPage) -> None:
    page = open_page("admin", "/system")
    expect(page.locator("#health")).not_to_contain_text("does not answer")
    for queue in ("embed", "train", "web"):
        expect(page.locator("#health")).to_contain_text(f"{queue} is alive")
    expect(page.locator("#kinds")).to_contain_text("Embed")
    page.get_by_label("Sign-in name").fill(f"guest-{uuid.uuid4().hex[:6]}")
    page.get_by_role("button", name="Add and make a link").click()
    expect(page.get_by_label("Sign-in link", exact=True)).to_have_value(re.compile(r"/link/"))


def test_the_choice_of_dark_is_kept(open_page: OpenPage) -> None:
    page = open_page("manager", "/", color_scheme="light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(16, 20, 22)")


def test_a_manager_adds_a_webhook_and_sees_what_it_was_told(
    product: LiveProduct, open_page: OpenPage, project: str
) -> None:
    with running_receiver() as receiver:
        page = open_page("manager", f"/projects/{project}/settings")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label("an export is over").check()
        page.get_by_role("button", name="Add it").click()
        secret = page.get_by_label("Secret").input_value()
        page.get_by_role("button", name="Send a ping").click()
        line = page.locator("#deliveries tbody tr")
        expect(line.locator(".chip")).to_have_text("delivered")
        expect(page.get_by_label("Secret")).to_have_count(0)
        [got] = receiver.got
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode()
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, signed + got.body, hashlib.sha256).digest()
        assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"

        receiver.status, receiver.words = 500, b"the disk is full"
        exported = product.session("manager").post(
            f"/api/v1/projects/{project}/exports", {"format": "coco"}
        )
        assert exported.status == 202
        failing = line.filter(has_text="export.finished")
        expect(failing.locator(".chip")).to_have_text("waiting")
        expect(failing).to_contain_text("500 after")
        failing.locator("summary").click()
        expect(failing).to_contain_text("the disk is full")
        failing.locator("summary").click()
        receiver.status = 200
        failing.get_by_role("button", name="again").click()
        expect(failing.locator(".chip")).to_have_text("delivered")
        page.get_by_role("button", name="Remove").click()
        page.locator("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
        expect(page.get_by_text(receiver.url)).to_have_count(0)
    assert [got.event["type"] for got in receiver.got][-1] == "export.finished"
