"""A project from its creation to its archive, and people from their invitation to the day they are shut out."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.projects import accessibility_problems, new_project, scene
from tests.http_session import PASSWORD
from tests.live_product import LiveProduct

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
IS_DRAWN = "it => it.complete && it.naturalWidth > 0"


def invited(page: Page, project: str, role: str) -> str:
    """A manager's page makes an invitation; returns its link."""
    page.goto(f"/projects/{project}/members")
    form = page.locator("form", has_text="Invite somebody new")
    form.get_by_label("Role").select_option(role)
    form.get_by_role("button", name="Make a link").click()
    return page.get_by_label("Invitation link").input_value()


def join(page: Page, name: str) -> None:
    """Somebody who signs in nowhere yet follows the link that is open."""
    page.get_by_label("Sign-in name").fill(name)
    page.get_by_label("Name as others see it").fill(name.title())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()


def test_a_project_is_made_explained_shared_and_archived(
    product: LiveProduct, open_page: OpenPage
) -> None:
    name, person = f"Lighthouses {uuid.uuid4().hex[:6]}", f"erin-{uuid.uuid4().hex[:6]}"
    page = open_page("manager", "/")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("The newer one takes them", exact=True).check()
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="No images yet")).to_be_visible()
    found = re.search(r"/projects/([0-9a-f-]{36})/images", page.url)
    assert found is not None
    project = found[1]

    page.goto(f"/projects/{project}/guidelines")
    text = "# Towers\n\nMask the *lantern* too:\n\n![a tower](tower.png)\n"
    page.get_by_label("What annotators should mask, and how").fill(text)
    picture = {"name": "tower.png", "mimeType": "image/png", "buffer": scene(31)}
    page.get_by_label("Add pictures").set_input_files(picture)  # type: ignore[arg-type]
    page.get_by_role("button", name="Save the guidelines").click()
    expect(page.get_by_text("Saved. Annotators see this")).to_be_visible()

    link = invited(page, project, "annotator")
    newcomer = open_page(None, link)
    expect(newcomer.get_by_role("heading", name=f"Join {name}")).to_be_visible()
    join(newcomer, person)
    expect(newcomer.get_by_role("heading", name="Towers")).to_be_visible()
    shown = newcomer.get_by_role("img", name="a tower")
    expect(shown).to_be_visible()
    assert shown.evaluate(IS_DRAWN)
    late = open_page(None, link)
    expect(late.get_by_role("heading", name="This invitation no longer works")).to_be_visible()

    page.goto(f"/projects/{project}/members")
    with page.expect_navigation():
        page.get_by_label(f"Role of {person.title()}").select_option("manager")
    newcomer.goto(f"/projects/{project}/dashboard")
    expect(newcomer.locator("#live")).to_have_text("Live")

    page.goto(f"/projects/{project}/settings")
    expect(page.get_by_label("The newer one takes them", exact=True)).to_be_checked()
    page.get_by_role("button", name="Archive the project").click()
    page.locator("dialog").get_by_role("button").filter(has_not_text="Cancel").click()
    expect(page.get_by_role("heading", name="Archived since")).to_be_visible()
    assert accessibility_problems(page) == []
    newcomer.goto("/")
    archived = newcomer.locator("details", has_text="1 archived project")
    archived.locator("summary").click()
    expect(archived.get_by_role("link", name=name)).to_be_visible()
    page.get_by_role("button", name="Take it up again").click()
    newcomer.goto("/")
    expect(newcomer.locator("details", has_text="archived")).to_have_count(0)


def test_who_is_shut_out_sees_it_on_the_page_that_is_open_and_the_log_tells(
    product: LiveProduct, open_page: OpenPage
) -> None:
    project, person = new_project(product), f"frank-{uuid.uuid4().hex[:6]}"
    link = invited(open_page("manager", "/"), project, "manager")
    newcomer = open_page(None, link)
    join(newcomer, person)
    newcomer.goto(f"/projects/{project}/dashboard")
    expect(newcomer.locator("#live")).to_have_text("Live")
    expect(newcomer.locator("#masks")).to_have_text("0")

    admin = open_page("admin", "/system")
    row = admin.locator("#people tr", has_text=person)
    row.get_by_role("button", name="Deactivate").click()
    admin.locator("dialog").get_by_role("button").filter(has_not_text="Cancel").click()
    expect(row).to_contain_text("deactivated")
    expect(newcomer.get_by_role("alert")).to_contain_text("The numbers could not be read")
    newcomer.reload()
    expect(newcomer.get_by_role("button", name="Sign in")).to_be_visible()
    newcomer.get_by_label("Name").fill(person)
    newcomer.get_by_label("Password").fill(PASSWORD)
    newcomer.get_by_role("button", name="Sign in").click()
    expect(newcomer.get_by_role("alert")).to_be_visible()

    admin.goto("/system/audit-log")
    lines = admin.locator("tbody tr")
    with admin.expect_navigation():
        admin.locator("select[name=project]").select_option(project)
    expect(lines.filter(has_text="invitation.used")).to_contain_text(person.title())
    expect(lines.filter(has_text="project.created")).to_have_count(1)
    admin.goto("/system/audit-log")
    with admin.expect_navigation():
        admin.locator("select[name=act]").select_option("person")
    expect(lines.filter(has_text="person.deactivated").first).to_contain_text(person)


def test_a_token_is_made_used_by_a_script_and_revoked(
    product: LiveProduct, open_page: OpenPage
) -> None:
    name = f"nightly {uuid.uuid4().hex[:6]}"
    page = open_page("manager", "/account")
    page.get_by_label("What it is for").fill(name)
    page.get_by_label("manage", exact=False).check()
    page.get_by_role("button", name="Make it").click()
    secret = page.get_by_label("Token", exact=True).input_value()
    assert accessibility_problems(page) == []

    def status(path: str, body: bytes | None = None) -> int:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        try:
            asked = urllib.request.Request(f"{product.url}/api/v1/{path}", body, headers)
            with urllib.request.urlopen(asked) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    assert status("projects") == 200
    assert status("interactions", b"{}") == 403, "that is for the scope of annotators"
    page.goto("/account")
    expect(page.get_by_label("Token", exact=True)).to_have_count(0)
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text("read, manage")
    row.get_by_role("button", name="Revoke").click()
    page.locator("dialog").get_by_role("button").filter(has_not_text="Cancel").click()
    expect(row).to_have_count(0)
    assert status("projects") == 401
