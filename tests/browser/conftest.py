"""The workbench in browsers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.workbench_page import (
    EXPIRE,
    WINDOW,
    Workbench,
    open_workbench,
    watch_faults,
)
from tests.live_product import LiveProduct

OpenPage = Callable[..., Page]


@pytest.fixture
def painting(product: LiveProduct, open_page: OpenPage) -> Iterator[Workbench]:
    """The workbench in a browser that cannot load the model, which brush and eraser do not need."""
    page = open_page("annotator", "/", viewport=WINDOW)
    faults = watch_faults(page)
    page.context.route("**/vendor/ort/**", lambda route: route.abort())
    yield open_workbench(page, product)
    assert faults == []


@pytest.fixture
def manager_holds_nothing(product: LiveProduct) -> Iterator[None]:
    """After the test the manager lets go of what was lent."""
    yield
    product.ask(EXPIRE, "manager")
