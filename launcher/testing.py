"""`python3 run.py test`: everything the tests need, then every check and test, each of them once."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.address import Address
from launcher.browser_files import ensure_browser_files, find_node, node_environment
from launcher.chromium import CHOICE, ensure_chromium
from launcher.environment import ensure_environment, only_launcher_installing
from launcher.failures import LaunchFailure
from launcher.os_processes import end_with_parent
from launcher.places import CHECKOUT, Home, environment_folder, environment_python
from launcher.servers import start_servers
from launcher.settings_file import RECORDED, settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor

# Settings of an installation that runs beside the tests; and compiled modules save seconds per process.
NOT_INHERITED = (*RECORDED, "DEBUG", "PYTHONDONTWRITEBYTECODE")
ROOMY = 4 * 2**30
PARALLEL = ("-n", "2", "--dist", "loadgroup")
SHOWN = ("-ra", "--no-header", "--durations=15", "--color=no")


@dataclass(frozen=True)
class Check:
    """One command that must end with status 0."""

    name: str
    command: tuple[str, ...]


def run_tests(arguments: Sequence[str], *, steps: Steps) -> int:
    """Run all checks and then pytest, whose summary closes; with arguments only pytest."""
    chromium = install_for_tests(steps)
    failed: list[str] = []
    if not arguments:
        failed = [check.name for check in source_checks() if not _passes(check, steps)]
    words = arguments or PARALLEL
    status = _run_pytest([*SHOWN, *words], chromium=chromium, steps=steps)
    if failed:
        steps.say(f"These checks failed: {', '.join(failed)}")
    return status or (1 if failed else 0)


def run_soak(arguments: Sequence[str], *, steps: Steps) -> int:
    """Run the long fault runs, which `run.py test` leaves out."""
    chromium = install_for_tests(steps)
    words = ["-m", "soak", "-s", *(arguments or ["tests"])]
    return _run_pytest([*SHOWN, *words], chromium=chromium, steps=steps)


def install_for_tests(steps: Steps) -> Path:
    """Python packages, browser packages and Chromium; returns the latter's path."""
    with only_launcher_installing():
        ensure_environment(steps, development=True)
        ensure_browser_files(steps, development=True)
        return ensure_chromium(steps)


def source_checks() -> list[Check]:
    """The checks that need no service."""
    tools, node = environment_folder() / "bin", find_node()
    modules = CHECKOUT / "node_modules"
    tests = sorted(str(path) for path in (CHECKOUT / "tests" / "js").rglob("*.test.js"))
    return [
        Check("ruff check", (str(tools / "ruff"), "check", "--quiet")),
        Check("ruff format", (str(tools / "ruff"), "format", "--check", "--quiet")),
        Check("mypy", (str(tools / "mypy"), "--no-error-summary")),
        Check("tsc", (*node.node, str(modules / "typescript" / "bin" / "tsc"), "-p", ".")),
        Check(
            "eslint",
            (*node.node, str(modules / "eslint/bin/eslint.js"), "web/static/js", "tests/js"),
        ),
        Check("node --test", (*node.node, "--test", "--test-reporter=dot", *tests)),
    ]


def _passes(check: Check, steps: Steps) -> bool:
    with steps.step(check.name) as step:
        done = subprocess.run(
            check.command,
            cwd=CHECKOUT,
            env=node_environment(find_node()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            preexec_fn=end_with_parent(15),
        )
        step.note = "" if done.returncode == 0 else f"FAILED ({done.returncode})"
    if done.returncode != 0:
        steps.say(done.stdout.rstrip())
    return done.returncode == 0


def _run_pytest(arguments: Sequence[str], *, chromium: Path, steps: Steps) -> int:
    with services_for_tests(steps) as environment:
        done = subprocess.run(
            [environment_python(), "-m", "pytest", *arguments],
            cwd=CHECKOUT,
            env={**environment, CHOICE: str(chromium)},
            stdin=subprocess.DEVNULL,
            check=False,
            preexec_fn=end_with_parent(15),
        )
    return done.returncode


@contextmanager
def services_for_tests(steps: Steps) -> Iterator[Mapping[str, str]]:
    """A database and a broker of the tests' own, in a folder that is removed afterwards.

    They are there before pytest starts, because Django's settings are read before any fixture.
    Yields the environment for pytest; servers named by URLs in ours are not used.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="mw-test-", dir=fast_folder())))
    inherited = {key: text for key, text in os.environ.items() if key not in NOT_INHERITED}
    try:
        home.prepare()
        passing = home.folder / "tmp"
        passing.mkdir(mode=0o755)
        with Supervisor(home, say=steps.say) as supervisor:
            settings = settle_settings(home=home, environment={}, address=Address())
            start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
            yield {
                **inherited,
                **settings.values,
                "MASKWRIGHT_HOME": str(home.folder),
                "TMPDIR": str(passing),
                "MASKWRIGHT_VENV": str(environment_folder()),
            }
    except LaunchFailure:
        steps.say(f"The tests' services are kept for inspection in {home.folder}")
        raise
    shutil.rmtree(home.folder, ignore_errors=True)


def fast_folder() -> str | None:
    """Memory for the tests' files where there is plenty: clusters are made and removed all the time."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOMY:
        return str(memory)
    return None
