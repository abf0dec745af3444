"""Long steps on the terminal, and commands whose words are kept."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from launcher.command import run_logged
from launcher.failures import LaunchFailure, end_of_log
from launcher.steps import Steps


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_finished_step_leaves_its_name_seconds_and_note() -> None:
    out = io.StringIO()
    with Steps(out).step("Database tables") as step:
        step.progress("17 of 43")
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("✓ Database tables ")
    assert " s  17 of 43" in last


def test_a_failed_step_is_marked_and_the_failure_goes_on() -> None:
    out = io.StringIO()
    with pytest.raises(LaunchFailure), Steps(out).step("Broker"):
        raise LaunchFailure("no broker")
    assert out.getvalue().splitlines()[-1].startswith("✗ Broker")


def test_a_terminal_sees_one_line_rewritten() -> None:
    out = Terminal()
    with Steps(out).step("Embeddings") as step:
        step.progress("3 to go")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().endswith("3 to go\n")


def test_a_failed_command_shows_its_last_words_and_the_advice(tmp_path: Path) -> None:
    code = "print('all was well'); raise SystemExit('until now')"
    with pytest.raises(LaunchFailure) as caught:
        run_logged([sys.executable, "-c", code], log=tmp_path / "log", advice="Try again.")
    assert "until now" in str(caught.value)
    assert str(caught.value).endswith("Try again.")


def test_every_line_of_a_command_is_seen_and_logged(tmp_path: Path) -> None:
    seen: list[str] = []
    code = "print('one'); import sys; print('two', file=sys.stderr)"
    run_logged([sys.executable, "-uc", code], log=tmp_path / "log", line=seen.append)
    assert sorted(seen) == ["one", "two"]
    assert sorted((tmp_path / "log").read_text().split()) == ["one", "two"]


def test_the_end_of_a_log_is_short_however_long_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert end_of_log(path, 2) == "line 99998\nline 99999"
    assert end_of_log(tmp_path / "none") == ""
