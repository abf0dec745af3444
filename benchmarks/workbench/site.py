"""A product of its own with the bundled model, an annotator's browser page, and projects to open in it."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from benchmarks.workbench.pictures import disc, painted_picture
from common import rle
from launcher.first_start import make_bundle
from launcher.product import Product
from launcher.throwaway import throwaway_product
from simulation.client import API, Client, Tally
from simulation.http_session import HttpSession
from simulation.project import UPLOAD_LIMIT_S, Preparation

WINDOW = {"width": 1440, "height": 900}
LIMIT_MS = 300_000.0
PICTURES_AT_ONCE = 20
SCRIPTS = re.compile(r"/static/[^/]+/(js/.+\.js|css/.+\.css)$")
# What our server says with every script, so that worker and threads start.
HEADERS = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class Site:
    """The admin's and the annotator's requests."""

    url: str
    admin: Client

    def project(self, name: str, sizes: list[tuple[int, int]]) -> tuple[str, Client]:
        """A project of its own with pictures of these widths and heights, embedded, and its annotator."""
        preparation = Preparation(self.admin, say=lambda _: None)
        project = preparation.project(name)
        for start in range(0, len(sizes), PICTURES_AT_ONCE):
            part = sizes[start : start + PICTURES_AT_ONCE]
            files = {
                f"{start + number}.jpg": painted_picture(*size, seed=start + number)
                for number, size in enumerate(part)
            }
            reply = self.admin.session.upload(f"{API}/projects/{project}/images", files)
            if reply.status != 201:
                raise ValueError(f"the upload was refused: {reply.content[:300]!r}")
        preparation.wait_for_embeddings(project)
        person = preparation.annotator(project, f"person-{secrets.token_hex(3)}")
        return project, Client(person, Tally())

    def add_masks(self, client: Client, project: str, count: int) -> None:
        """Accepted masks on the annotator's first image."""
        lease = client.post(f"/projects/{project}/assignments/next", {"ahead": 0})["assignment"]
        width, height = lease["image"]["width"], lease["image"]["height"]
        rng = np.random.default_rng(count)
        for number in range(count):
            counts = rle.encode(disc(width, height, rng=rng))
            body = {
                "save_id": str(uuid.uuid4()),
                "image": lease["image"]["id"],
                "assignment": lease["id"],
                "state": "accepted",
                "rle": {"size": [height, width], "counts": counts},
                "model_version": None,
                "predicted_iou": None,
                "prompts": [],
                "order_index": number,
            }
            path = f"{API}/masks/{uuid.uuid4()}"
            client.send("PUT", path, body, headers={"If-None-Match": "*"}, expected=(201,))


@contextmanager
def site() -> Iterator[Site]:
    """Runs until the block ends; nothing stays."""

    def prepare(product: Product) -> None:
        make_bundle(product.home.first_bundle, log=product.home.logs / "onnx_export.log")
        product.manage("register_bundle", str(product.home.first_bundle), "--promote")

    with throwaway_product(prepare) as running:
        link = running.product.manage("create_person", "admin", "--admin").strip()
        url = running.product.address.url
        session = HttpSession(url, timeout_s=UPLOAD_LIMIT_S)
        session.use_link(link, secrets.token_urlsafe(24))
        yield Site(url, Client(session, Tally()))


@contextmanager
def workbench(
    browser: Browser, site: Site, client: Client, project: str, *, checkout: Path | None = None
) -> Iterator[Page]:
    """The annotator's page with an image open and the model ready; its scripts may come from another checkout."""
    with fresh_page(browser, site, client, checkout=checkout) as page:
        page.goto(f"/projects/{project}/annotate")
        wait_for_model(page)
        yield page


@contextmanager
def fresh_page(
    browser: Browser, site: Site, client: Client, *, checkout: Path | None = None
) -> Iterator[Page]:
    """A page of the annotator's that shows nothing yet."""
    context = browser.new_context(base_url=site.url, viewport=WINDOW)  # type: ignore[arg-type]
    if checkout:
        serve_scripts(context, checkout)
    cookies = client.session.cookies().items()
    context.add_cookies([{"name": key, "value": text, "url": site.url} for key, text in cookies])
    person = client.get("/me")["id"]
    context.add_init_script(
        f"localStorage.setItem('maskwright.tutorial.{person}', JSON.stringify({{ had: true }}))"
    )
    context.add_init_script(path=Path(__file__).with_name("page.js"))
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    yield page
    context.close()


def serve_scripts(context: BrowserContext, checkout: Path) -> None:
    """Every script and style of ours comes from that checkout."""

    def answer(route: Route) -> None:
        found = SCRIPTS.search(route.request.url)
        assert found is not None
        route.fulfill(path=checkout / "web" / "static" / found.group(1), headers=HEADERS)

    context.route(SCRIPTS, answer)


def wait_for_model(page: Page) -> None:
    expect(page.locator(".bar-model[data-kind=ready]")).to_have_count(1, timeout=LIMIT_MS)
