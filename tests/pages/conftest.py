"""The cast in front of the pages, on a real database and in a storage folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.cast import Cast
from tests.database_fixtures import cast, own_storage

__all__ = ["Visitors", "cast", "own_storage", "visitor"]
Visitors = Callable[[str], Client]


@pytest.fixture
def visitor(cast: Cast) -> Visitors:
    """`visitor("alice")` is Alice's browser; `visitor("nobody")` is not signed in."""

    def of(name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(cast.by_name(name))
        return client

    return of
