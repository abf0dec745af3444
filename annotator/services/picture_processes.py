"""Reading untrusted pictures in bounded processes, one after the other."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Self

from django.conf import settings

from annotator.errors import DomainError, Invalid, TooLarge, WrongType
from annotator.services.picture_reader import Report

ERRORS: dict[str, type[DomainError]] = {"wrong_type": WrongType, "too_large": TooLarge}


class PictureReader:
    """Holds the process that reads pictures (`picture_forks`) from the first of them to the end of the block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, *, source: Path, folder: Path) -> Report:
        """What was made of a picture; its files lie in `folder` (`picture_reader`).

        Raises `WrongType`, `TooLarge` or `Invalid` with the reason. What one picture does to its process costs the
        next one nothing.
        """
        try:
            if self._status(source, folder) != 0:
                raise OSError("The child was ended.")
            found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self._end()
            raise Invalid(
                "Reading the picture takes too long or too much.", code="too_costly"
            ) from error
        report = Report(**found)
        if report.refused_code:
            kind = ERRORS.get(report.refused_code, Invalid)
            raise kind(report.refused_message, code=report.refused_code)
        return report

    def _status(self, source: Path, folder: Path) -> int:
        """The exit status of the child. Raises `OSError` when it takes too long or the process is gone."""
        asked, answers = self._pipes()
        asked.write(json.dumps([str(source), str(folder)]).encode() + b"\n")
        until, answer = time.monotonic() + settings.DECODE_SECONDS, b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([answers], [], [], max(0.0, until - time.monotonic()))
            block = os.read(answers.fileno(), 64) if ready else b""
            if not block:
                raise TimeoutError("Too slow.") if not ready else BrokenPipeError("It is gone.")
            answer += block
        return int(answer)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Of a process that runs: to ask, and for its answers."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        self._process = self._process or _started()
        assert self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _end(self) -> None:
        """Ends the process and a child that it may have."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _started() -> subprocess.Popen[bytes]:
    """In a group of its own; it ends by itself when nobody holds its input any more."""
    limits = [str(settings.DECODE_MEMORY_BYTES), str(settings.DECODE_SECONDS)]
    return subprocess.Popen(
        [sys.executable, "-m", "annotator.services.picture_forks", *limits],
        cwd=settings.BASE_DIR,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
