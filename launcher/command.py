"""Runs one command to its end, its output in a log, its progress on the terminal."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from launcher.failures import LaunchFailure, end_of_log
from launcher.os_processes import end_with_parent
from launcher.places import CHECKOUT


def run_logged(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path = CHECKOUT,
    line: Callable[[str], None] = lambda text: None,
    advice: str = "",
) -> None:
    """Run a command; every line of output goes to the log and to `line`.

    Raises LaunchFailure with the end of the output when the status is not 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out, _started(command, environment, folder) as child:
        assert child.stdout is not None
        try:
            for text in child.stdout:
                out.write(text)
                out.flush()
                line(text.rstrip())
            status = child.wait()
        except BaseException:
            child.terminate()
            raise
    if status != 0:
        shown = " ".join(str(part) for part in command[:4])
        raise LaunchFailure(
            "\n".join(
                part
                for part in (f"`{shown} …` failed ({status}):", end_of_log(log), advice)
                if part
            )
        )


def _started(
    command: Sequence[str | Path], environment: Mapping[str, str] | None, folder: Path
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=dict(environment) if environment is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=end_with_parent(15),
    )
