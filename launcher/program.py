"""One program under supervision: its start, its log, its pid file, its end."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from launcher.accounts import Account
from launcher.os_processes import (
    end_with_parent,
    group_members,
    signal_group,
    start_mark,
    wait_until,
)
from launcher.places import CHECKOUT, Home

LOG_LIMIT = 20_000_000


@dataclass(frozen=True)
class Program:
    """What to run and how to end it; programs of a higher layer stop before those of a lower."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    layer: int
    folder: Path = CHECKOUT
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    stop_s: float = 10.0


@dataclass
class Running:
    """A started program. It leads a process group of its own, so that its children end with it."""

    program: Program
    home: Home
    child: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        program, account = self.program, self.program.account
        with open_log(self.home.logs / f"{program.name}.log") as log:
            self.child = subprocess.Popen(
                program.command,
                cwd=program.folder,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(program.stop_signal),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        self._write_pid_file()

    @property
    def pid(self) -> int:
        """Process id, also the id of the group."""
        return self.child.pid

    @property
    def exited(self) -> int | None:
        """Exit status, None while it runs; asking reaps the child."""
        return self.child.poll()

    def ask_to_stop(self) -> None:
        """Send the program's own stop signal to its leader."""
        if self.exited is None:
            self.child.send_signal(self.program.stop_signal)

    def finish(self, seconds: float) -> None:
        """Wait for the end, then remove what is left of the group by force."""
        try:
            self.child.wait(timeout=max(0.0, seconds))
        except subprocess.TimeoutExpired:
            signal_group(self.pid, signal.SIGKILL)
            self.child.wait()
        self.sweep()
        pid_file(self.home, self.program.name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """End what a dead leader left in its group."""
        signal_group(self.pid, signal.SIGKILL)

    def _write_pid_file(self) -> None:
        facts = {
            "pid": self.pid,
            "mark": start_mark(self.pid),
            "stop_signal": int(self.program.stop_signal),
        }
        path = pid_file(self.home, self.program.name)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(facts))
        beside.replace(path)


def pid_file(home: Home, name: str) -> Path:
    """Where a program's process id is noted."""
    return home.pids / f"{name}.pid"


def stop_leftovers(home: Home, seconds: float = 15.0) -> list[str]:
    """End programs of an earlier launcher that was killed; return their names.

    A process id alone may belong to a stranger by now: the start mark must match too.
    """
    stopped = []
    for path in sorted(home.pids.glob("*.pid")):
        try:
            facts = json.loads(path.read_text())
            pid, mark, stop = int(facts["pid"]), facts["mark"], int(facts["stop_signal"])
        except (ValueError, KeyError):  # the launcher was killed while it wrote
            path.unlink()
            continue
        if _end_group(pid, mark, stop, seconds):
            stopped.append(path.stem)
        path.unlink()
    return stopped


def _end_group(pid: int, mark: str | None, stop_signal: int, seconds: float) -> bool:
    current = start_mark(pid)
    if current is not None and current != mark:
        return False
    if current is None and not group_members(pid):
        return False
    if current is not None:
        os.kill(pid, stop_signal)
        wait_until(lambda: start_mark(pid) != mark, seconds)
    signal_group(pid, signal.SIGKILL)
    wait_until(lambda: not group_members(pid), 5.0)
    return True


def open_log(path: Path) -> BinaryIO:
    """Open a log for appending; a large one is cut first."""
    cut_log(path)
    return path.open("ab")


def cut_log(path: Path) -> None:
    """Keep a log that has grown large aside (one old one is kept) and begin it anew.

    Programs append, so the file may be emptied under them.
    """
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        shutil.copyfile(path, path.with_suffix(".old.log"))
        os.truncate(path, 0)
