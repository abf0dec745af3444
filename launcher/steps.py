"""Long steps on the terminal: name, progress, seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

NAME_WIDTH = 34
REDRAW_S = 0.1
PLAIN_REPORT_S = 10.0


class Step:
    """One running step; its owner tells how far it is."""

    def __init__(self, *, name: str, out: TextIO) -> None:
        self.name = name
        self.note = ""
        self._out = out
        self._began = time.monotonic()
        self._last_drawn = self._began
        self._live = out.isatty()

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._began

    def progress(self, text: str) -> None:
        """Show where the step is: at once on a terminal, now and then in a log file."""
        self.note = text
        now = time.monotonic()
        if now - self._last_drawn < (REDRAW_S if self._live else PLAIN_REPORT_S):
            return
        self._last_drawn = now
        if self._live:
            self._out.write(f"\r\x1b[K  {self.name:<{NAME_WIDTH}} {self.seconds:6.1f} s  {text}")
        else:
            self._out.write(f"  … {self.name}: {text} ({self.seconds:.0f} s)\n")
        self._out.flush()

    def finish(self, mark: str) -> None:
        """Write the line that stays."""
        start = "\r\x1b[K" if self._live else ""
        note = f"  {self.note}" if self.note else ""
        self._out.write(f"{start}{mark} {self.name:<{NAME_WIDTH}} {self.seconds:6.1f} s{note}\n")
        self._out.flush()


class Steps:
    """Runs steps one after the other and remembers what each took."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while its block runs; a failure is marked and goes on upwards."""
        step = Step(name=name, out=self._out)
        step.progress("")
        try:
            yield step
        except BaseException:
            step.finish("✗")
            raise
        step.finish("✓")

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._out.write(text + "\n")
        self._out.flush()

    @property
    def seconds(self) -> float:
        """Seconds since the launcher began."""
        return time.monotonic() - self._began
