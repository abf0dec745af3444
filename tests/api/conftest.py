"""The cast on a real database, with a storage folder of the test's own."""

from __future__ import annotations

from tests.database_fixtures import browser, cast, own_storage

__all__ = ["browser", "cast", "own_storage"]
