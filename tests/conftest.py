"""Shared by all tests: the live product, its bundled model, and Chromium. Real parts, or the test fails."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from launcher.chromium import INSTRUCTION, find_chromium
from launcher.first_start import make_bundle
from launcher.places import CHECKOUT
from tests.live_product import LiveProduct, running_product
from tests.patience import PATIENCE_S
from tests.returning import make_returning

# What a page shows is waited for; five seconds, the default, are too short on a busy machine.
expect.set_options(timeout=1000 * PATIENCE_S)
# The live product runs under the interpreter that runs the tests.
os.environ.setdefault("MASKWRIGHT_VENV", sys.prefix)
# Playwright's synchronous driver keeps an event loop in the test's thread; Django would refuse queries.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

BUNDLE_SOURCES = ("onnx_export", "model_server/sam", "model_server/weights", "common")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the live product stay in one worker, so that one product serves them all."""
    for item in items:
        if "product" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("product"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under a failed test on a live product stand the ends of its logs."""
    report = yield
    if report.failed:
        for part in getattr(item, "funcargs", {}).values():
            if isinstance(part, LiveProduct):
                report.sections.append(("logs of the product", part.last_words()))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a failed run: what a test needs must be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        reporter.write_line("Skipped tests count as failures here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Folder with the bundled model's graphs and manifest, exported once per state of its sources."""
    cache = CHECKOUT / "var" / "test-bundles"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / _sources_hash()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make_bundle(folder, log=cache / "export.log")
    return folder


def _sources_hash() -> str:
    digest = hashlib.sha256()
    for source in BUNDLE_SOURCES:
        for path in sorted((CHECKOUT / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(CHECKOUT)).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def product(bundle: Path) -> Iterator[LiveProduct]:
    """The running product with the demo, one for all tests of a session."""
    receivers = {"WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}
    with running_product(bundle, environment=receivers) as live:
        yield live


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The installed Chromium under Playwright."""
    path = find_chromium()
    if path is None:
        pytest.fail(INSTRUCTION)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(product: LiveProduct, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page("annotator", "/")`: a page of the live product, the person signed in (None: nobody).

    Each call is a browser of its own (cookies, storage); all are closed after the test. `newcomer`: the
    person has not seen the tutorial yet.
    """
    contexts: list[BrowserContext] = []

    def open_it(
        person: str | None, path: str = "/", *, newcomer: bool = False, **options: object
    ) -> Page:
        context = chromium.new_context(base_url=product.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if person is not None:
            cookies = product.session(person).cookies().items()
            context.add_cookies(
                [{"name": name, "value": text, "url": product.url} for name, text in cookies]
            )
        if person is not None and not newcomer:
            make_returning(context, product, person)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()
