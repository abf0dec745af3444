"""The whole product as real processes in a folder of its own, for browser and fault tests."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from launcher.failures import end_of_log
from launcher.first_start import FirstStart
from launcher.os_processes import wait_until
from launcher.places import Home
from launcher.product import Product
from launcher.steps import Steps
from launcher.supervisor import Supervisor
from launcher.throwaway import throwaway_product
from tests.http_session import HttpSession

LINK = re.compile(r"https?://\S+/link/\S+")


@dataclass
class LiveProduct:
    """A running installation: PostgreSQL, Valkey, web, web worker, model workers and tick.

    It holds the demo: people `annotator`, `manager` and `admin`, a project with photographs, and the
    model of the given bundle. Nothing is mocked; its processes write their logs under `home.logs`.
    """

    home: Home
    supervisor: Supervisor
    product: Product
    _sessions: dict[str, HttpSession] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self.product.address.url

    def manage(self, *arguments: str) -> str:
        """Run a management command against it; returns what it printed."""
        return self.product.manage(*arguments)

    def link(self, person: str) -> str:
        """A new one-time sign-in link of a person."""
        printed = self.manage("sign_in_link", person)
        found = LINK.search(printed)
        assert found is not None, f"no link in {printed!r}"
        return found.group()

    def session(self, person: str) -> HttpSession:
        """The person's session over HTTP: made by a link at first, then the same one."""
        if person not in self._sessions:
            session = HttpSession(self.url)
            session.use_link(self.link(person))
            self._sessions[person] = session
        return self._sessions[person]

    def last_words(self) -> str:
        """The ends of all logs, to stand under a failed test."""
        logs = sorted(self.home.logs.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{end_of_log(path, 15)}" for path in logs)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of an SQL query on its database."""
        connection = psycopg2.connect(self.product.settings["DATABASE_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def kill(self, program: str) -> None:
        """kill -9 of one program; the supervisor starts it again while something waits."""
        os.kill(self.supervisor.pid_of(program), signal.SIGKILL)

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Watch over the processes until something holds; fails with `what` when it never does."""

        def holds() -> bool:
            self.supervisor.watch()
            return condition()

        assert wait_until(holds, seconds), f"waited {seconds:.0f} s in vain for {what}"


@contextmanager
def running_product(
    bundle: Path, *, with_embeddings: bool = True, environment: Mapping[str, str] | None = None
) -> Iterator[LiveProduct]:
    """Start a product with the demo in a temporary folder and remove both at the end.

    `environment` adds settings, such as a shorter lease.
    """
    steps = Steps(out=io.StringIO())

    def prepare(product: Product) -> None:
        product.manage("register_bundle", str(bundle), "--bundled")
        FirstStart(product=product, steps=steps).make_demo()

    settings = {"OMP_NUM_THREADS": "1", **(environment or {})}
    with throwaway_product(prepare, environment=settings) as running:
        if with_embeddings:
            FirstStart(product=running.product, steps=steps).wait_for_embeddings()
        yield LiveProduct(running.home, running.supervisor, running.product)
