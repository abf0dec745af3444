"""Long work in a child process that is watched: progress, cancellation, and no orphans."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

WATCH_S = 1.0
GRACE_S = 20.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ChildFailed(RuntimeError):
    """A child process that ended with an error; `words` are the end of what it printed.

    `was_killed` tells that a signal ended it from outside, as happens when memory runs out.
    """

    def __init__(self, text: str, *, words: str, was_killed: bool) -> None:
        super().__init__(f"{text}: {words}")
        self.words = words
        self.was_killed = was_killed


def run_module(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    watch: Callable[[], None] = lambda: None,
    output: Path | None = None,
) -> None:
    """Runs `python -m module arguments` to its end, calling `watch` every second.

    Its errors (and its output, unless `output` names a file for that) are added to `log`. When `watch`
    raises, the child is ended first. Raises `ChildFailed`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors, (output or log).open("wb" if output else "ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            process_group=0,
            preexec_fn=partial(_end_with_parent, os.getpid()),
        )
        try:
            _follow(child, watch)
        finally:
            _end(child)
    code = child.returncode
    if code < 0:
        text = f"{module} was ended by signal {-code}"
        text += ", as happens when memory runs out" if -code == signal.SIGKILL else ""
        raise ChildFailed(text, words=_last_words(log), was_killed=True)
    if code > 0:
        text = f"{module} ended with {code}"
        raise ChildFailed(text, words=_last_words(log), was_killed=False)


def _follow(child: subprocess.Popen[bytes], watch: Callable[[], None]) -> None:
    while True:
        try:
            child.wait(timeout=WATCH_S)
        except subprocess.TimeoutExpired:
            watch()
        else:
            return


def _end(child: subprocess.Popen[bytes]) -> None:
    """Asks a child that still runs to stop, then makes sure that its whole group is gone."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _end_with_parent(parent: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signal.SIGKILL)


def _last_words(log: Path, num_bytes: int = 3000) -> str:
    return log.read_bytes()[-num_bytes:].decode("utf-8", "replace").strip()
