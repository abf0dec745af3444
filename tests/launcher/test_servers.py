"""The embedded PostgreSQL and Valkey: real servers, made, killed, begun again, as root and as anybody."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import redis

from launcher.accounts import server_account
from launcher.address import Address
from launcher.failures import LaunchFailure
from launcher.os_processes import start_mark, wait_until
from launcher.places import CHECKOUT, Home, environment_folder
from launcher.postgres import installed_postgres
from launcher.servers import start_servers
from launcher.settings_file import settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor
from launcher.valkey import installed_valkey
from tests.patience import PATIENCE_S

ANYBODY = "nobody"
BRING_UP = """
import os, sys
from pathlib import Path
from launcher.address import Address
from launcher.places import Home
from launcher.servers import start_servers
from launcher.settings_file import settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor
home = Home(Path(sys.argv[1]))
home.prepare()
with Supervisor(home) as supervisor:
    settings = settle_settings(home=home, environment={}, address=Address())
    start_servers(home=home, settings=settings, supervisor=supervisor, steps=Steps(sys.stderr))
    print(*(supervisor.pid_of(name) for name in supervisor.names), flush=True)
    if sys.argv[2:] == ["stay"]:
        supervisor.keep()
"""


@pytest.fixture
def home() -> Iterator[Home]:
    """A short path that every account may pass through (pytest's own folders are private)."""
    folder = Path(tempfile.mkdtemp(prefix="mw-"))
    home = Home(folder / "home")
    folder.chmod(0o755)
    home.prepare()
    yield home
    shutil.rmtree(folder)


def start(home: Home, supervisor: Supervisor) -> str:
    """Start both servers; returns the database URL."""
    settings = settle_settings(home=home, environment={}, address=Address())
    steps = Steps(io.StringIO())
    start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
    return settings.values["DATABASE_URL"]


def ask(url: str, query: str) -> object:
    """First column of the first row."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def broker_of(home: Home) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(home.sockets / "valkey.sock"))


def test_rows_and_messages_outlive_a_stop_and_a_start(home: Home) -> None:
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        ask(url, "CREATE TABLE kept AS SELECT 17 AS number")
        broker_of(home).rpush("queue", "first", "second")
    with Supervisor(home) as supervisor:
        assert start(home, supervisor) == url
        assert ask(url, "SELECT number FROM kept") == 17
        assert broker_of(home).llen("queue") == 2


def test_the_product_is_no_superuser_and_needs_its_password(home: Home) -> None:
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        query = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert ask(url, query) is False
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(url.replace("://maskwright:", "://maskwright:x"), "SELECT 1")


def test_no_server_listens_on_the_network(home: Home) -> None:
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        assert ask(url, "SELECT current_setting('listen_addresses')") == ""
        assert broker_of(home).config_get("port") == {"port": "0"}


def test_acknowledged_means_durable(home: Home) -> None:
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        for setting in ("synchronous_commit", "fsync", "full_page_writes"):
            assert ask(url, f"SELECT current_setting('{setting}')") == "on"


def test_servers_killed_together_start_again_with_what_was_committed(home: Home) -> None:
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        ask(url, "CREATE TABLE kept AS SELECT 'mask' AS word")
        for name in supervisor.names:
            os.kill(supervisor.pid_of(name), signal.SIGKILL)

        def both_answer() -> bool:
            supervisor.watch()
            try:
                return ask(url, "SELECT word FROM kept") == "mask" and broker_of(home).ping()
            except (psycopg2.OperationalError, redis.RedisError):
                return False

        assert wait_until(both_answer, PATIENCE_S)


def test_a_launcher_killed_with_its_servers_running_is_followed_by_a_good_start(
    home: Home,
) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", BRING_UP, str(home.folder), "stay"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert launcher.stdout is not None
    with launcher.stdout:
        pids = [int(word) for word in launcher.stdout.readline().split()]
    assert len(pids) == 2
    launcher.kill()
    launcher.wait()
    with Supervisor(home) as supervisor:
        assert ask(start(home, supervisor), "SELECT 1") == 1
        assert all(start_mark(pid) is None for pid in pids)


def test_a_database_killed_during_a_long_statement_starts_when_the_statement_has_ended(
    home: Home,
) -> None:
    """PostgreSQL's sessions are no children of its group: they outlive a kill until they look up."""
    with Supervisor(home) as supervisor:
        url = start(home, supervisor)
        connection = psycopg2.connect(url)
        session = connection.info.backend_pid
        # A loop that never waits, so that the session does not notice the death of its server.
        busy = threading.Thread(
            target=_ask_until_broken,
            args=(connection, "SELECT count(*) FROM generate_series(1, 5000000)"),
        )
        busy.start()
        os.kill(supervisor.pid_of("postgres"), signal.SIGKILL)
        assert start_mark(session) is not None
    with Supervisor(home) as supervisor:
        assert ask(start(home, supervisor), "SELECT 1") == 1
    busy.join()
    connection.close()


def _ask_until_broken(connection: psycopg2.extensions.connection, query: str) -> None:
    with connection.cursor() as cursor, contextlib.suppress(psycopg2.OperationalError):
        cursor.execute(query)


def test_a_broker_file_that_cannot_be_read_is_set_aside(home: Home) -> None:
    with Supervisor(home) as supervisor:
        start(home, supervisor)
        broker_of(home).set("key", "text")
    for path in (home.valkey / "appendonlydir").glob("*.incr.aof"):
        path.write_bytes(b"this is no command\r\n" * 10)
    with Supervisor(home) as supervisor:
        start(home, supervisor)
        assert broker_of(home).get("key") is None
    assert len(list(home.valkey.glob("appendonlydir.damaged-*"))) == 1


def test_a_cluster_cut_short_while_made_is_made_anew(home: Home) -> None:
    (home.postgres / "new" / "base").mkdir(parents=True)
    with Supervisor(home) as supervisor:
        assert ask(start(home, supervisor), "SELECT 1") == 1


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_database(home: Home) -> None:
    with Supervisor(home) as supervisor:
        start(home, supervisor)
        lock = home.postgres / "cluster" / "postmaster.pid"
        words = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *words[1:]]) + "\n")
    with Supervisor(home) as supervisor:
        assert ask(start(home, supervisor), "SELECT 1") == 1


def test_a_cluster_of_another_version_is_named_and_left_alone(home: Home) -> None:
    with Supervisor(home) as supervisor:
        start(home, supervisor)
    version = home.postgres / "cluster" / "PG_VERSION"
    version.write_text("12\n")
    with (
        pytest.raises(LaunchFailure, match="PostgreSQL 12, the installed one is"),
        Supervisor(home) as supervisor,
    ):
        start(home, supervisor)


def test_servers_of_ones_own_replace_the_embedded_ones(home: Home) -> None:
    own = {"DATABASE_URL": "postgres://a:b@db.example/c", "REDIS_URL": "redis://broker.example"}
    with Supervisor(home) as supervisor:
        settings = settle_settings(home=home, environment=own, address=Address())
        steps = Steps(io.StringIO())
        start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
        assert supervisor.names == []


# ---- accounts: each of these tests does what its account allows --------------------------------


def test_servers_never_run_as_root(home: Home) -> None:
    with Supervisor(home) as supervisor:
        start(home, supervisor)
        wanted = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else os.geteuid()
        expected = {wanted, pwd.getpwnam("nobody").pw_uid} if os.geteuid() == 0 else {wanted}
        for name in supervisor.names:
            assert Path(f"/proc/{supervisor.pid_of(name)}").stat().st_uid in expected


def test_binaries_in_a_private_folder_are_lent_to_the_servers_account(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = home.folder / "private" / "site-packages"
    private.parent.mkdir(mode=0o700)
    postgres = installed_postgres(home, None).binaries
    package = postgres.parent.parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), private / name, symlinks=True)
    shutil.copy(installed_valkey(home, None).binary, private / "valkey-server")
    monkeypatch.setenv("MASKWRIGHT_POSTGRES_BIN", str(private / package.name / "pginstall" / "bin"))
    monkeypatch.setenv("MASKWRIGHT_VALKEY", str(private / "valkey-server"))
    with Supervisor(home) as supervisor:
        assert ask(start(home, supervisor), "SELECT 1") == 1
        assert broker_of(home).ping()
    was_lent = (home.folder / "programs").exists()
    assert was_lent == (server_account() is not None)


def test_a_home_that_the_servers_account_cannot_reach_is_refused_in_words(home: Home) -> None:
    closed = Home(home.folder / "closed" / "home")
    closed.folder.mkdir(parents=True)
    closed.folder.parent.chmod(0o700)
    closed.prepare()
    with Supervisor(closed) as supervisor:
        if server_account() is None:
            assert ask(start(closed, supervisor), "SELECT 1") == 1
        else:
            with pytest.raises(LaunchFailure, match="cannot enter .*MASKWRIGHT_HOME"):
                start(closed, supervisor)


def test_an_ordinary_account_runs_its_own_servers(home: Home) -> None:
    """As root this becomes `nobody`, with a copy of the launcher; otherwise we are ordinary already."""
    place = home.folder.parent / "ordinary"
    place.mkdir(mode=0o755)
    shutil.copytree(CHECKOUT / "launcher", place / "checkout" / "launcher")
    environment = {**os.environ, "MASKWRIGHT_VENV": str(environment_folder())}
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        entry = pwd.getpwnam(ANYBODY)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        os.chown(place, entry.pw_uid, entry.pw_gid)
        binaries = {
            "MASKWRIGHT_POSTGRES_BIN": installed_postgres(home, server_account()).binaries,
            "MASKWRIGHT_VALKEY": installed_valkey(home, server_account()).binary,
        }
        environment |= {name: str(path) for name, path in binaries.items()}
    done = subprocess.run(
        [_python_for_everybody(account), "-c", BRING_UP, str(place / "home")],
        cwd=place / "checkout",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **account,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2


def _python_for_everybody(account: dict[str, object]) -> str:
    """A Python 3.11 or newer that the account may run: ours may lie in root's folder."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            tried = subprocess.run([python, "-c", check], check=False, cwd="/", **account)
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    pytest.fail("No Python 3.11 that an ordinary account may run: apt-get install python3")
