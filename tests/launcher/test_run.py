"""`run.py` itself: from an empty folder to ready, stopped, killed, begun again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.os_processes import start_mark, wait_until
from launcher.places import CHECKOUT, Home
from launcher.settings_file import RECORDED
from tests.http_session import HttpSession
from tests.patience import LONG_S, PATIENCE_S


@dataclass
class Launched:
    """A run of `run.py` and what it has printed so far."""

    process: subprocess.Popen[bytes]
    printed: Path
    url: str

    def text(self) -> str:
        return self.printed.read_text()

    def wait_until_ready(self) -> None:
        """Until it said that it is ready; fails with its words when it ends first."""

        def decided() -> bool:
            return "Ready after" in self.text() or self.process.poll() is not None

        assert wait_until(decided, LONG_S), self.text()
        assert "Ready after" in self.text(), self.text()

    def links(self) -> dict[str, str]:
        """One-time links by person."""
        lines = [line.strip() for line in self.text().splitlines() if "/link/" in line]
        return dict(line.split(": ", 1) for line in lines)


@pytest.fixture
def home(bundle: Path) -> Iterator[Home]:
    """An empty installation folder (the graphs are there: exporting them is tested elsewhere)."""
    with tempfile.TemporaryDirectory(prefix="mw-run-") as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder) / "home")
        home.prepare()
        home.first_bundle.symlink_to(bundle)
        yield home


@contextlib.contextmanager
def launched(home: Home, port: int) -> Iterator[Launched]:
    environment = {key: text for key, text in os.environ.items() if key not in (*RECORDED, "DEBUG")}
    printed = home.folder / "printed"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "run.py", "--port", str(port)],
            cwd=CHECKOUT,
            env={**environment, "MASKWRIGHT_HOME": str(home.folder)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Launched(process=process, printed=printed, url=f"http://localhost:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pids_in(home: Home) -> list[int]:
    """Process ids that the launcher noted."""
    texts = [path.read_text() for path in home.pids.glob("*.pid")]
    return [int(text.partition('"pid": ')[2].partition(",")[0]) for text in texts]


def all_gone(pids: list[int]) -> bool:
    return all(start_mark(pid) is None for pid in pids)


@pytest.mark.xdist_group("faults")
def test_an_empty_folder_becomes_a_product_that_stops_and_starts_again(
    home: Home, port: int
) -> None:
    with launched(home, port) as first:
        first.wait_until_ready()
        links = first.links()
        assert set(links) == {"annotator", "manager", "admin"}
        session = HttpSession(first.url)
        session.use_link(links["manager"])
        images = session.get(
            f"/api/v1/projects/{session.get('/api/v1/projects').json()['projects'][0]['id']}/images"
        ).json()["images"]
        assert len(images) >= 7
        assert {image["embedding"] for image in images} == {"ready"}
        pids = pids_in(home)
        assert len(pids) == 7
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(PATIENCE_S) == 0
        assert all_gone(pids)
        assert pids_in(home) == []

    with launched(home, port) as second:
        second.wait_until_ready()
        again = HttpSession(second.url)
        again.sign_in("manager")
        assert again.get("/api/v1/projects").status == 200
        left = pids_in(home)
        second.process.kill()
        second.process.wait()

    with launched(home, port) as third:
        third.wait_until_ready()
        assert all_gone(left)
        project = session_project(third.url)
        assert project["name"] == "Demo"


def session_project(url: str) -> dict[str, object]:
    """The only project, as the manager sees it."""
    session = HttpSession(url)
    session.sign_in("manager")
    (project,) = session.get("/api/v1/projects").json()["projects"]
    return project


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("--port", port, home=tmp_path / "home")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr


def test_help_names_every_command_and_variable(tmp_path: Path) -> None:
    done = run("--help", home=tmp_path)
    assert done.returncode == 0
    for word in ("run.py test", "run.py link PERSON", "run.py soak", "MASKWRIGHT_HOME"):
        assert word in done.stdout


def test_a_certificate_without_a_key_is_refused(tmp_path: Path) -> None:
    done = run("--certificate", str(tmp_path), home=tmp_path)
    assert done.returncode == 1
    assert "--key" in done.stderr


def test_a_link_without_an_installation_says_what_to_do(tmp_path: Path) -> None:
    done = run("link", "manager", home=tmp_path / "nothing")
    assert done.returncode != 0
    assert "run.py" in done.stderr


def run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `run.py` to its end."""
    kept = {key: text for key, text in os.environ.items() if key not in RECORDED}
    return subprocess.run(
        [sys.executable, "run.py", *words],
        cwd=CHECKOUT,
        env={**kept, "MASKWRIGHT_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
