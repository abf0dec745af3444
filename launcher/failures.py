"""What the launcher raises for a person to read."""

from pathlib import Path


class LaunchFailure(Exception):
    """Something the launcher needs is missing or broken; the text says what to do."""


class StopRequested(BaseException):
    """A signal asked for an orderly stop (a BaseException, so that no `except Exception` eats it)."""


def end_of_log(path: Path, lines: int = 25) -> str:
    """The last lines of a log, to put under an error."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(0, 2)
        log.seek(max(0, log.tell() - 16_384))
        text = log.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
