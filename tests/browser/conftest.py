"""The workbench in browsers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.workbench_page import (
    EXPIRE,
    WINDOW,
    Workbench,
    open_workbench,
    watch_faults,
)
from tests.live_product import LiveProduct
from tests.returning import make_returning

OpenPage = Callable[..., Page]
FORGET_KEYS = """
    DELETE FROM annotator_chosenkeys
    WHERE person_id = (SELECT id FROM annotator_person WHERE name = 'annotator')
    RETURNING person_id
"""


@pytest.fixture
def painting(product: LiveProduct, open_page: OpenPage) -> Iterator[Workbench]:
    """The workbench where neither browser nor server can run the model, which brush and eraser do not need."""
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    page.context.route("**/api/v1/images/*/decode", lambda route: route.fulfill(status=404))
    yield open_workbench(page, product)
    assert faults == []


@pytest.fixture
def served(product: LiveProduct, open_page: OpenPage) -> Iterator[Workbench]:
    """The workbench in a browser that cannot load the model: the server decodes."""
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    yield open_workbench(page, product)
    assert faults == []


@pytest.fixture
def first_keys(product: LiveProduct) -> Iterator[None]:
    """The annotator has the first keys, before the test and after it, in every browser to come."""
    product.ask(FORGET_KEYS)
    yield
    product.ask(FORGET_KEYS)


@pytest.fixture
def manager_holds_nothing(product: LiveProduct) -> Iterator[None]:
    """After the test the manager lets go of what was lent."""
    yield
    product.ask(EXPIRE, "manager")


@pytest.fixture(scope="module")
def page_with_model(product: LiveProduct, chromium: Browser) -> Iterator[Workbench]:
    """One page whose model has started, for all tests that click."""
    context = chromium.new_context(base_url=product.url, viewport=WINDOW)
    cookies = product.session("annotator").cookies().items()
    context.add_cookies([{"name": key, "value": text, "url": product.url} for key, text in cookies])
    make_returning(context, product, "annotator")
    page = context.new_page()
    faults = watch_faults(page)
    bench = open_workbench(page, product)
    bench.wait_for_model()
    yield bench
    context.close()
    assert faults == []


@pytest.fixture
def workbench(page_with_model: Workbench) -> Workbench:
    """The page with the model, nothing in hand, no mask in the list, the first candidate preferred."""
    page_with_model.empty()
    return page_with_model
