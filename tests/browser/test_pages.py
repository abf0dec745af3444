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

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, WebSocketRoute, expect
from pycocotools.coco import COCO

from tests.browser.projects import (
    HEIGHT,
    WIDTH,
    accept_a_mask,
    ellipse,
    new_project,
    scene,
    upload,
)
from tests.http_session import PASSWORD
from tests.live_product import LiveProduct
from tests.patience import LONG_MS
from tests.webhook_receiver import running_receiver

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


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
    upload(product, project, {"quay.png": scene(2)})
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
    upload(product, project, {"quay.png": scene(6), "pier.png": scene(7)})
    done = accept_a_mask(product, project)
    product.session("annotator").post(f"/api/v1/assignments/{done['id']}/submit")
    page = open_page("manager", f"/projects/{project}/dashboard")
    expect(page.locator("#days-chart svg")).to_have_attribute("aria-label", re.compile("1 mask"))
    for name in ("hours", "models", "per-image"):
        expect(page.locator(f"#{name}-chart svg")).to_be_visible()
    expect(page.locator("#models-table tbody tr")).to_have_count(1)
    expect(page.locator("#per-image")).to_have_text("1.0")
    for chart, figures in (
        ("days", ["34 s paper", "14 s paper"]),
        ("models", ["34 s paper"]),  # this version comes from no retraining
        ("per-image", ["20 paper"]),
    ):
        for figure in figures:
            expect(page.locator(f"#{chart}-chart")).to_contain_text(figure)
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
    upload(product, project, {"quay.png": scene(8)})
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
    upload(product, project, {"quay.png": scene(3)})
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

        page.get_by_role("button", name="New secret").click()
        page.locator("dialog").get_by_role("button", name="New secret").click()
        expect(page.get_by_text("requests are signed with the old secret too")).to_be_visible()
        assert page.get_by_label("Secret", exact=True).input_value() != secret
        page.get_by_role("button", name="Send a ping").click()
        expect(line.first.locator(".chip")).to_have_text("delivered")
        assert receiver.got[-1].headers["webhook-signature"].count("v1,") == 2
        page.get_by_role("button", name="Remove").click()
        page.locator("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
        expect(page.get_by_text(receiver.url)).to_have_count(0)
    assert [got.event["type"] for got in receiver.got][-2:] == ["export.finished", "ping"]
