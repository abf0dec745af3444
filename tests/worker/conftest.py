"""A tiny bundle, and the engine with real workers around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from annotator.models import ModelVersion
from annotator.services.bundles import promote_over_current, register_folder
from tests.cast import Cast, make_cast
from tests.tiny_bundle import make_tiny_bundle
from tests.worker.engine import EMBED, TRAIN, WEB, Engine, running_engine

EMBEDDING_SHAPE = (49, 8, 8)  # the decoder's 32 channels, 4 x 4 of detail, crossing costs


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle folder of a network that nobody trained, small enough to train in a test."""
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"), seed=3)


@pytest.fixture(scope="session")
def graphless_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network as `tiny_bundle`, its encoder said to be too large for an ONNX file."""
    return make_tiny_bundle(tmp_path_factory.mktemp("graphless"), seed=3, encoder_limit_bytes=0)


@pytest.fixture(scope="session")
def session_engine(django_db_setup: None) -> Iterator[Engine]:
    """One broker and one set of workers for all tests; a killed worker is started again."""
    with running_engine() as engine:
        yield engine


@pytest.fixture
def engine(session_engine: Engine, transactional_db: None, settings: Settings) -> Iterator[Engine]:
    """Web and embed worker run; the broker is empty."""
    settings.STORAGE_URL = session_engine.storage_url
    settings.REDIS_URL = session_engine.redis_url
    session_engine.flush_broker()
    session_engine.release()
    session_engine.start(WEB, EMBED)
    yield session_engine
    if TRAIN in session_engine.workers:
        session_engine.kill(TRAIN)  # with whatever it trains
    # What comes next empties the tables: with a worker at work there that would be a deadlock.
    session_engine.hold()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def model(engine: Engine, tiny_bundle: Path) -> ModelVersion:
    """The tiny bundle, registered and promoted."""
    version = register_folder(folder=tiny_bundle)
    promote_over_current(model_version=version)
    return version
