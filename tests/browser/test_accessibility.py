"""Every page there is, light and dark, in a small window: by axe's rules for WCAG 2.2 AA, and quiet in the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from django.urls import URLPattern
from playwright.sync_api import Page, ViewportSize, expect

from annotator.views.urls import urlpatterns
from tests.browser.projects import accept_a_mask, accessibility_problems, new_project, scene, upload
from tests.browser.workbench_page import Workbench, watch_faults
from tests.live_product import LiveProduct
from tests.patience import LONG_MS

SMALL: ViewportSize = {"width": 800, "height": 600}
Scheme = Literal["light", "dark"]
OpenPage = Callable[..., Page]

# Addresses that only take a form and lead to another page.
FORMS = {
    "sign-out", "make-token", "revoke-token", "new-project", "hold-out", "retry-embeddings",
    "new-audit", "drop-guideline-picture", "add-member", "drop-member", "invite-somebody",
    "revoke-invitation", "roll-back", "register-checkpoint", "cancel-model-job", "promote",
    "start-round", "schedule-rounds", "cancel-round", "add-person", "make-link", "set-active",
    "retry-job", "set-references", "set-agreement", "archive", "add-webhook", "ping-webhook",
    "new-study", "switch-webhook", "remove-webhook", "redeliver-webhook", "new-webhook-secret",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A project in use, and links nobody has followed."""

    project: str
    version: str
    link: str
    invitation: str
    webhook: str
    study: str


@pytest.fixture(scope="module")
def place(product: LiveProduct) -> Place:
    project, manager = new_project(product), product.session("manager")
    files = {"quay.png": scene(90), "pier.png": scene(91)}
    upload(product, project, files)
    text = "# Cups\n\nMask *every* cup:\n\n* with its handle\n* without its saucer\n"
    changed = manager.request("PATCH", f"/api/v1/projects/{project}", {"guidelines": text})
    assert changed.status == 200, changed.content
    taken = accept_a_mask(product, project)
    annotator = product.session("annotator")
    assert annotator.post(f"/api/v1/assignments/{taken['id']}/submit", {}).status == 200
    newest = "SELECT model_version_id FROM annotator_promotion ORDER BY id DESC LIMIT 1"
    [(version,)] = product.ask(newest)
    invited = manager.post(f"/api/v1/projects/{project}/invitations", {"role": "annotator"})
    assert invited.status == 201, invited.content
    guest = product.session("admin").post("/api/v1/people", {"name": f"guest-{project[:6]}"})
    link = product.session("admin").post(f"/api/v1/people/{guest.json()['id']}/sign-in-link")
    about = {"url": "https://hooks.invalid/masks", "events": ["mask.accepted", "export.finished"]}
    webhook = f"/api/v1/projects/{project}/webhooks"
    hook = str(manager.post(webhook, about).json()["id"])
    assert manager.post(f"{webhook}/{hook}/ping").status == 202
    about = {"num_masks": 5, "seed": 1}
    study = manager.post(f"/api/v1/projects/{project}/rating-studies", about).json()["id"]
    return Place(project, str(version), link.json()["url"], invited.json()["url"], hook, study)


# name of the route -> who looks at it, and where; two rows of one route are told apart by a dot
ROWS: dict[str, tuple[str | None, str]] = {
    "sign-in": (None, "/sign-in"),
    "link": (None, "{link}"),
    "link.ended": (None, "/link/none"),
    "invite": (None, "{invitation}"),
    "invite.ended": (None, "/invite/none"),
    "home": ("annotator", "/"),
    "home.manager": ("manager", "/"),
    "account": ("annotator", "/account"),
    "images": ("manager", "/projects/{project}/images"),
    "practice": ("annotator", "/projects/{project}/practice"),
    "review": ("manager", "/projects/{project}/review"),
    "quality": ("manager", "/projects/{project}/quality"),
    "my-scores": ("annotator", "/projects/{project}/my-scores"),
    "statistics": ("manager", "/projects/{project}/statistics"),
    "project-settings": ("manager", "/projects/{project}/settings"),
    "webhook": ("manager", "/projects/{project}/webhooks/{webhook}"),
    "study": ("manager", "/projects/{project}/ratings/{study}"),
    "rate": ("annotator", "/projects/{project}/ratings/{study}/rate"),
    "audit-log": ("admin", "/system/audit-log"),
    "dashboard": ("manager", "/projects/{project}/dashboard"),
    "rounds": ("manager", "/projects/{project}/rounds"),
    "guidelines": ("manager", "/projects/{project}/guidelines"),
    "guidelines.annotator": ("annotator", "/projects/{project}/guidelines"),
    "members": ("manager", "/projects/{project}/members"),
    "models": ("admin", "/models"),
    "compare-models": ("admin", "/models/compare"),
    "model": ("admin", "/models/{version}"),
    "system": ("admin", "/system"),
    "nowhere": ("manager", "/nowhere"),
}


def test_every_page_has_a_row_here() -> None:
    routes = {route.name for route in urlpatterns if isinstance(route, URLPattern)}
    rows = {name.partition(".")[0] for name in ROWS} - {"nowhere"}
    assert routes - FORMS - rows == {"annotate"}, "the workbench has a test of its own below"
    assert rows | FORMS <= routes


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ROWS)
def test_pages_are_accessible_quiet_in_the_console_and_fit_a_small_window(
    open_page: OpenPage, place: Place, name: str, scheme: Scheme
) -> None:
    person, path = ROWS[name]
    page = open_page(person, "/sign-in", color_scheme=scheme, viewport=SMALL)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.goto(path.format(**vars(place)))
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert problems(page) == []
    assert [fault for fault in faults if "status of 404" not in fault] == []


def problems(page: Page) -> list[Any]:
    """What axe finds, and whether the page is wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth") > SMALL["width"]
    return [*accessibility_problems(page), *(["wider than the window"] if wide else [])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_workbench_is_accessible_with_all_its_dialogs(
    product: LiveProduct, open_page: OpenPage, place: Place, scheme: Scheme
) -> None:
    page = open_page("annotator", "/", color_scheme=scheme, viewport=SMALL, has_touch=True)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    bench = Workbench(page=page, product=product, project=place.project)
    bench.open()
    expect(page.locator(".toast")).to_have_count(0, timeout=LONG_MS)
    bench.square_brush()
    bench.dab(0.5, 0.4)
    bench.click(0.6, 0.5)
    assert problems(page) == []
    bench.press("l")
    expect(page.locator("#panel")).to_be_visible()
    assert problems(page) == []
    for keys, dialog in (
        ("Control+Space", "#skip"),
        ("Shift+F1", "#tutorial"),
        ("g", "#guidelines"),
    ):
        bench.press(keys)
        expect(page.locator(dialog)).to_be_visible()
        assert problems(page) == []
        bench.press("Escape")
    page.locator(".bar-chip").click()
    expect(page.locator("#save-details")).to_be_visible()
    assert problems(page) == []
    assert faults == []


def test_when_nothing_is_left_the_workbench_says_so_accessibly(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project = new_project(product)
    page = open_page("annotator", f"/projects/{project}/annotate", viewport=SMALL)
    expect(page.get_by_role("heading", name="All done here")).to_be_visible()
    assert problems(page) == []
    expect(page.locator(".screen-words")).to_have_text(re.compile("No image of this project"))
