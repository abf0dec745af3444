"""A product of its own in a temporary folder, for tests and benchmarks: nothing of it stays."""

import io
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.address import Address
from launcher.places import Home
from launcher.product import Product
from launcher.servers import start_servers
from launcher.settings_file import RECORDED, settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor

READY_S = 300.0


@dataclass(frozen=True)
class Throwaway:
    """Everything runs: PostgreSQL, Valkey, web, web worker, model workers and tick."""

    home: Home
    supervisor: Supervisor
    product: Product


@contextmanager
def throwaway_product(
    prepare: Callable[[Product], None], *, environment: Mapping[str, str] | None = None
) -> Iterator[Throwaway]:
    """Start a product and remove it at the end.

    `prepare` runs with empty tables there, before web and workers start; `environment` adds settings.
    Raises LaunchFailure when a part does not start.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="mw-product-")))
    try:
        home.prepare()
        with Supervisor(home) as supervisor:
            product = _with_tables(home, supervisor, environment or {})
            prepare(product)
            for program in product.programs():
                supervisor.start(program)
            product.wait_until_ready(supervisor, seconds=READY_S)
            yield Throwaway(home, supervisor, product)
    finally:
        shutil.rmtree(home.folder, ignore_errors=True)


def _with_tables(home: Home, supervisor: Supervisor, environment: Mapping[str, str]) -> Product:
    """The servers run and the database has its tables."""
    steps = Steps(out=io.StringIO())
    address = Address(port=_free_port())
    settings = settle_settings(home=home, environment={}, address=address)
    start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
    inherited = {key: text for key, text in os.environ.items() if key not in (*RECORDED, "DEBUG")}
    product = Product(
        home=home,
        settings=settings.values,
        address=address,
        inherited={**inherited, **environment},
    )
    product.manage("migrate", "--no-input", "--verbosity=0")
    return product


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
