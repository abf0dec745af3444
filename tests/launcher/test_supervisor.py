"""Programs under supervision: they fall, they are left over, they end in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.failures import LaunchFailure
from launcher.os_processes import group_members, start_mark, wait_until
from launcher.places import CHECKOUT, Home
from launcher.program import LOG_LIMIT, Program, pid_file, stop_leftovers
from launcher.supervisor import Supervisor
from tests.patience import PATIENCE_S

WAIT_FOREVER = "import signal; signal.pause()"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    with Supervisor(home) as supervisor:
        yield supervisor


def python(name: str, code: str, *, layer: int = 1, stop_s: float = 5.0) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-c", code),
        environment=dict(os.environ),
        layer=layer,
        stop_s=stop_s,
    )


def watch_until_pid_changes(supervisor: Supervisor, name: str, pid: int) -> None:
    def changed() -> bool:
        supervisor.watch()
        return supervisor.pid_of(name) != pid

    assert wait_until(changed, PATIENCE_S)


def test_a_killed_program_runs_again_under_a_new_process(supervisor: Supervisor) -> None:
    supervisor.start(python("sleeper", WAIT_FOREVER))
    first = supervisor.pid_of("sleeper")
    os.kill(first, signal.SIGKILL)
    watch_until_pid_changes(supervisor, "sleeper", first)
    assert supervisor.alive("sleeper")


def test_a_program_that_keeps_falling_is_started_less_and_less(home: Home) -> None:
    told: list[str] = []
    with Supervisor(home, say=told.append) as supervisor:
        supervisor.start(python("faller", "raise SystemExit(7)"))

        def fell_three_times() -> bool:
            supervisor.watch()
            return sum("ended (status 7)" in text for text in told) == 3

        assert wait_until(fell_three_times, PATIENCE_S)
    waits = [text.rpartition("again in ")[2] for text in told if "again in" in text]
    assert waits == ["0.2 s", "0.5 s", "1.0 s"]


def test_children_of_a_killed_program_end_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        "import pathlib, signal, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {WAIT_FOREVER!r}])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "signal.pause()"
    )
    supervisor.start(python("parent", code), ready=lambda: note.exists() and note.read_text() != "")
    child, parent = int(note.read_text()), supervisor.pid_of("parent")
    os.kill(parent, signal.SIGKILL)
    watch_until_pid_changes(supervisor, "parent", parent)
    assert wait_until(lambda: start_mark(child) is None, PATIENCE_S)


def test_a_program_that_ends_before_it_is_ready_shows_its_last_words(
    supervisor: Supervisor,
) -> None:
    with pytest.raises(LaunchFailure, match="no such luck"):
        supervisor.start(python("brief", "raise SystemExit('no such luck')"), ready=lambda: False)
    assert supervisor.names == []


def test_a_program_that_ignores_the_signal_is_ended_by_force(home: Home) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', flush=True); signal.pause()"
    )
    log = home.logs / "deaf.log"
    with Supervisor(home) as supervisor:
        supervisor.start(python("deaf", code, stop_s=0.2), ready=lambda: "deaf" in log.read_text())
        pid = supervisor.pid_of("deaf")
    assert start_mark(pid) is None


def test_higher_layers_stop_before_lower_ones(home: Home, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import pathlib, signal, sys\n"
        "def end(*_):\n"
        f"    open({str(order)!r}, 'a').write(sys.argv[0] + NAME); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True)\n"
        "while True: signal.pause()"
    )
    with Supervisor(home) as supervisor:
        for name, layer in (("server", 0), ("web", 1)):
            log = home.logs / f"{name}.log"
            program = python(name, f"NAME = {name + ' '!r}\n{code}", layer=layer)
            supervisor.start(program, ready=lambda log=log: "up" in log.read_text())
    assert order.read_text().replace("-c", "") == "web server "


def test_a_second_launcher_in_the_same_folder_is_refused(supervisor: Supervisor) -> None:
    with (
        pytest.raises(LaunchFailure, match=f"already runs.*{os.getpid()}"),
        Supervisor(supervisor.home),
    ):
        pass


def start_and_kill_a_launcher(home: Home, *, death_signal: bool) -> int:
    """Run a supervisor in another process, kill -9 it, return the process id of its program."""
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "import launcher.program\n"
        "from launcher.places import Home\n"
        "from launcher.program import Program\n"
        "from launcher.supervisor import Supervisor\n"
        f"if not {death_signal}: launcher.program.end_with_parent = lambda number: None\n"
        f"with Supervisor(Home(Path({str(home.folder)!r}))) as supervisor:\n"
        f"    supervisor.start(Program(name='left', command=(sys.executable, '-c', {WAIT_FOREVER!r}),"
        " environment=dict(os.environ), layer=1))\n"
        "    print(supervisor.pid_of('left'), flush=True)\n"
        "    supervisor.keep()"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    with launcher.stdout:
        pid = int(launcher.stdout.readline())
    launcher.kill()
    launcher.wait()
    return pid


def test_programs_of_a_killed_launcher_end_by_themselves(home: Home) -> None:
    pid = start_and_kill_a_launcher(home, death_signal=sys.platform == "linux")
    if sys.platform != "linux":
        assert stop_leftovers(home) == ["left"]
    assert wait_until(lambda: start_mark(pid) is None, PATIENCE_S)


def test_what_a_killed_launcher_left_is_ended_at_the_next_start(home: Home) -> None:
    pid = start_and_kill_a_launcher(home, death_signal=False)
    assert start_mark(pid) is not None
    told: list[str] = []
    with Supervisor(home, say=told.append):
        assert start_mark(pid) is None
    assert told == ["  ended `left`, left by an earlier start"]
    assert list(home.pids.glob("*.pid")) == []


def test_children_left_without_their_leader_are_ended_too(home: Home) -> None:
    code = (
        "import subprocess, sys\n"
        f"print(subprocess.Popen([sys.executable, '-c', {WAIT_FOREVER!r}]).pid, flush=True)"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert leader.stdout is not None
    with leader.stdout:
        child = int(leader.stdout.readline())
    leader.wait()
    assert group_members(leader.pid) == [child]
    facts = {"pid": leader.pid, "mark": "gone", "stop_signal": 15}
    pid_file(home, "training").write_text(json.dumps(facts))
    assert stop_leftovers(home) == ["training"]
    assert wait_until(lambda: start_mark(child) is None, PATIENCE_S)


def test_a_log_grown_large_is_cut_under_its_program(home: Home) -> None:
    log = home.logs / "writer.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    code = f"print('up', flush=True); {WAIT_FOREVER}"
    with Supervisor(home) as supervisor:
        supervisor.start(python("writer", code), ready=lambda: log.read_text() == "up\n")
    assert (home.logs / "writer.old.log").stat().st_size == LOG_LIMIT + 1


def test_a_stranger_with_a_recorded_process_id_is_left_alone(home: Home) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", WAIT_FOREVER], start_new_session=True)
    try:
        facts = {"pid": stranger.pid, "mark": "another time", "stop_signal": 15}
        pid_file(home, "web").write_text(json.dumps(facts))
        assert stop_leftovers(home) == []
        assert stranger.poll() is None
        assert not pid_file(home, "web").exists()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_pid_file_cut_short_is_thrown_away(home: Home) -> None:
    pid_file(home, "web").write_text('{"pid": 12')
    assert stop_leftovers(home) == []
    assert not pid_file(home, "web").exists()
