"""Keeps the programs of one installation running: start, restart with back-off, orderly stop."""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from launcher.failures import LaunchFailure, end_of_log
from launcher.os_processes import start_mark
from launcher.places import Home
from launcher.program import Program, Running, cut_log, stop_leftovers

BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S = 30.0  # a program that lived this long starts again at once when it dies
CUT_LOGS_S = 60.0


@dataclass
class Post:
    """A program's place: the running child, and how often it fell lately."""

    running: Running
    began: float
    falls: int = 0
    restart_at: float | None = None


class Supervisor:
    """The launcher's hold on one home folder; one at a time, by a lock that dies with us."""

    def __init__(self, home: Home, *, say: Callable[[str], None] = lambda text: None) -> None:
        self.home = home
        self._say = say
        self._posts: dict[str, Post] = {}
        self._lock: int | None = None
        self._cut_at = 0.0

    def __enter__(self) -> Self:
        """Take the lock and end what a killed launcher left.

        Raises LaunchFailure when another launcher is at work in this folder.
        """
        path = self.home.pids / "launcher.lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 32, 0).decode(errors="replace").strip()
            os.close(self._lock)
            raise LaunchFailure(
                f"Maskwright already runs in {self.home.folder} (process {owner})."
            ) from None
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)
        for name in stop_leftovers(self.home):
            self._say(f"  ended `{name}`, left by an earlier start")
        return self

    def __exit__(self, *_unused: object) -> None:
        """Stop everything and let go of the folder."""
        try:
            self.stop()
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def start(
        self,
        program: Program,
        *,
        ready: Callable[[], bool] | None = None,
        limit_s: float = 60.0,
    ) -> None:
        """Start a program and wait until it is ready.

        Raises LaunchFailure with the end of its log when it exits first or takes too long.
        """
        running = Running(program=program, home=self.home)
        self._posts[program.name] = Post(running=running, began=time.monotonic())
        if ready is not None:
            self.wait_for(program.name, ready=ready, limit_s=limit_s)

    def wait_for(self, name: str, *, ready: Callable[[], bool], limit_s: float) -> None:
        """Wait until a started program is ready (see `start`)."""
        running = self._posts[name].running
        log = self.home.logs / f"{name}.log"
        end = time.monotonic() + limit_s
        while not ready():
            if running.exited is not None:
                self.drop(name)
                raise LaunchFailure(
                    f"`{name}` ended with status {running.exited}.\n{end_of_log(log)}"
                )
            if time.monotonic() > end:
                raise LaunchFailure(
                    f"`{name}` was not ready after {limit_s:.0f} s.\n{end_of_log(log)}"
                )
            time.sleep(0.05)

    def drop(self, name: str) -> None:
        """Stop one program and forget it."""
        post = self._posts.pop(name)
        post.running.ask_to_stop()
        post.running.finish(post.running.program.stop_s)

    def watch(self) -> None:
        """Look at every program once; begin anew the ones that fell, later the more often they fall."""
        self._cut_logs()
        now = time.monotonic()
        for name, post in self._posts.items():
            if post.restart_at is None and post.running.exited is not None:
                self._note_fall(name, post, now)
            if post.restart_at is not None and now >= post.restart_at:
                post.running = Running(program=post.running.program, home=self.home)
                post.began, post.restart_at = now, None
                self._say(f"  `{name}` runs again (process {post.running.pid})")

    def _note_fall(self, name: str, post: Post, now: float) -> None:
        post.falls = 1 if now - post.began > STEADY_S else post.falls + 1
        wait = BACK_OFF_S[min(post.falls, len(BACK_OFF_S)) - 1]
        post.restart_at = now + wait
        post.running.sweep()
        self._say(f"  `{name}` ended (status {post.running.exited}), again in {wait} s")

    def _cut_logs(self) -> None:
        """Now and then: no log grows for ever."""
        if time.monotonic() > self._cut_at:
            self._cut_at = time.monotonic() + CUT_LOGS_S
            for name in self._posts:
                cut_log(self.home.logs / f"{name}.log")

    def keep(self, *, until: Callable[[], bool] = lambda: False, pause_s: float = 0.2) -> None:
        """Watch until told otherwise (or until a signal raises)."""
        while not until():
            self.watch()
            time.sleep(pause_s)

    def pid_of(self, name: str) -> int:
        """Process id of a program's present run."""
        return self._posts[name].running.pid

    def alive(self, name: str) -> bool:
        """Whether the program runs now."""
        running = self._posts[name].running
        return running.exited is None and start_mark(running.pid) is not None

    @property
    def names(self) -> list[str]:
        """Programs under supervision, in the order of their start."""
        return list(self._posts)

    def stop(self) -> None:
        """Stop layer by layer, the highest first, the programs of one layer together."""
        for layer in sorted({post.running.program.layer for post in self._posts.values()})[::-1]:
            self._stop_layer(layer)
        self._posts.clear()

    def _stop_layer(self, layer: int) -> None:
        members = [
            post.running for post in self._posts.values() if post.running.program.layer == layer
        ]
        for running in members:
            running.ask_to_stop()
        asked = time.monotonic()
        for running in members:
            running.finish(asked + running.program.stop_s - time.monotonic())
