"""Facts about running processes that the standard library does not tell: identity, groups, the end of a parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(stop_signal: int) -> Callable[[], None] | None:
    """What a child runs before its program: ask Linux for a signal when the launcher dies.

    Elsewhere there is nothing to ask; the pid files are then the only net.
    """
    libc = _LIBC
    if libc is None:
        return None
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def start_mark(pid: int) -> str | None:
    """A text that tells this process from a later one with the same id; None when it is gone."""
    stat = Path(f"/proc/{pid}/stat")
    if sys.platform == "linux":
        fields = _stat_fields(stat)
        return None if fields is None or fields[0] == "Z" else fields[19]
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or None


def group_members(group: int) -> list[int]:
    """Living processes of a process group."""
    if sys.platform != "linux":
        shown = subprocess.run(
            ["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True
        )
        pairs = [line.split() for line in shown.stdout.splitlines()]
        return [int(pid) for pid, pgid in pairs if int(pgid) == group]
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat_fields(entry / "stat")
            if fields is not None and fields[0] != "Z" and int(fields[2]) == group:
                members.append(int(entry.name))
    return members


def signal_group(group: int, number: int) -> None:
    """Send a signal to every process of a group; an empty group is no error."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], bool], seconds: float, pause_s: float = 0.05) -> bool:
    """Ask again and again until it holds; False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(pause_s)
    return True


def _stat_fields(stat: Path) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on (the name before it may hold anything)."""
    try:
        text = stat.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
