"""Starts the embedded servers that no URL replaces."""

import time

from launcher.accounts import server_account
from launcher.failures import LaunchFailure
from launcher.places import Home
from launcher.postgres import Postgres, installed_postgres
from launcher.settings_file import DATABASE_NAME, Settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor
from launcher.valkey import Valkey, installed_valkey

ORPHANS = "pre-existing shared memory block"
ORPHANS_S = 60.0


def start_servers(*, home: Home, settings: Settings, supervisor: Supervisor, steps: Steps) -> None:
    """Start PostgreSQL and Valkey where the settings say that they are ours."""
    if settings.embedded_postgres:
        with steps.step("Database") as step:
            made = _start_postgres(home, settings, supervisor)
            step.progress("new" if made else "")
    if settings.embedded_valkey:
        with steps.step("Broker"):
            _start_valkey(installed_valkey(home, server_account()), supervisor)


def _start_postgres(home: Home, settings: Settings, supervisor: Supervisor) -> bool:
    server = installed_postgres(home, server_account())
    made = server.make_cluster()
    _start_after_orphans(server, supervisor)
    server.make_database(name=DATABASE_NAME, password=settings.database_password)
    return made


def _start_after_orphans(server: Postgres, supervisor: Supervisor) -> None:
    """Start the database; sessions of a killed server hold its memory until their statement ends."""
    end = time.monotonic() + ORPHANS_S
    while True:
        try:
            supervisor.start(server.program(), ready=server.answers, limit_s=120.0)
            return
        except LaunchFailure as failure:
            if ORPHANS not in str(failure) or time.monotonic() > end:
                raise
            time.sleep(0.5)


def _start_valkey(server: Valkey, supervisor: Supervisor) -> None:
    """Start the broker; if it cannot read its file, once more with an empty one (jobs are rows)."""
    server.prepare()
    try:
        supervisor.start(server.program(), ready=server.answers, limit_s=30.0)
    except LaunchFailure:
        if server.set_aside_damage() is None:
            raise
        supervisor.start(server.program(), ready=server.answers, limit_s=30.0)
