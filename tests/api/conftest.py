"""The cast on a real database, with a storage folder of the test's own."""

from __future__ import annotations

import pytest

from annotator.models import Assignment
from tests.cast import Cast, lend, make_image
from tests.database_fixtures import browser, cast, own_storage

__all__ = ["browser", "cast", "own_storage"]


@pytest.fixture
def lent(cast: Cast) -> Assignment:
    """An image lent to Alice."""
    make_image(cast.project)
    return lend(cast.alice, cast.project)
