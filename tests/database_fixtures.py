"""Fixtures for tests on the database; the conftest of a folder that wants them imports them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from annotator.models import Person
from tests.cast import Browser, Cast, make_cast


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
def browser(cast: Cast) -> Callable[[str], Browser]:
    """`browser("alice")` is Alice's; `browser("nobody")` is not signed in."""

    def of(name: str) -> Browser:
        person: Person | None = None if name == "nobody" else cast.by_name(name)
        return Browser(person)

    return of
