"""The cast in front of the pages, on a real database and in a storage folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.cast import Cast, make_cast

Visitors = Callable[[str], Client]


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Settings) -> Path:
    """Files of a test go to its own folder; passwords are hashed quickly."""
    folder = tmp_path / "storage"
    # Passwords of tests need no protection; the real hasher takes most of a second.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGE_URL = folder.as_uri()
    return folder


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def visitor(cast: Cast) -> Visitors:
    """`visitor("alice")` is Alice's browser; `visitor("nobody")` is not signed in."""

    def of(name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(cast.by_name(name))
        return client

    return of
