"""Servers of a benchmark's own: PostgreSQL and a broker."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from launcher.address import Address
from launcher.places import Home
from launcher.servers import start_servers
from launcher.settings_file import settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor


@contextmanager
def servers(folder: Path | None) -> Iterator[Mapping[str, str]]:
    """The environment of a product on PostgreSQL and a broker of their own.

    They lie in a folder that is removed afterwards unless it was given.
    """
    home = Home(folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="mw-bench-")))
    try:
        home.prepare()
        with Supervisor(home) as supervisor:
            steps = Steps(out=sys.stdout)
            settings = settle_settings(home=home, environment={}, address=Address())
            start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
            yield {**settings.values, "MASKWRIGHT_HOME": str(home.folder)}
    finally:
        if folder is None:
            shutil.rmtree(home.folder, ignore_errors=True)
