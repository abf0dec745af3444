"""The Python environment in the checkout: made once, skipped while nothing it was made from changed."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.command import run_logged
from launcher.failures import LaunchFailure
from launcher.places import CHECKOUT, environment_folder, environment_python
from launcher.steps import Step, Steps

REQUIREMENTS = CHECKOUT / "requirements.txt"
DEVELOPMENT = CHECKOUT / "requirements-dev.txt"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
TORCH_INDEX = "MASKWRIGHT_TORCH_INDEX"


@contextmanager
def only_launcher_installing() -> Iterator[None]:
    """Hold the checkout while packages are installed: a second start waits."""
    descriptor = os.open(CHECKOUT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def ensure_environment(steps: Steps, *, development: bool = False) -> None:
    """Make the environment complete: interpreter, torch, the pins, with development tools if asked.

    Raises LaunchFailure with pip's own words when a package cannot be had.
    """
    wanted = [("packages", REQUIREMENTS)] + ([("development", DEVELOPMENT)] if development else [])
    missing = [
        (name, path)
        for name, path in wanted
        if not is_stamped(environment_folder() / f"maskwright-{name}", requirements_hash(path))
    ]
    if not missing and environment_python().exists():
        return
    with steps.step("Python environment"):
        _make_environment()
    for name, path in missing:
        if name == "packages":
            with steps.step("torch") as step:
                _install(step, _torch_arguments())
        with steps.step(f"Python packages ({path.stem})") as step:
            _install(step, ["-r", str(path)])
        stamp(environment_folder() / f"maskwright-{name}", requirements_hash(path))


def requirements_hash(path: Path) -> str:
    """Hash over the pins (with the files they include), this Python and the torch index."""
    facts = [platform.python_version(), platform.machine(), os.environ.get(TORCH_INDEX, "")]
    return hash_of([path, REQUIREMENTS], *facts)


def hash_of(paths: list[Path], *facts: str) -> str:
    """SHA-256 over the bytes of files and some texts."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for fact in facts:
        digest.update(hashlib.sha256(fact.encode()).digest())
    return digest.hexdigest()


def is_stamped(path: Path, wanted: str) -> bool:
    """Whether a stamp says that this was done already from the same sources."""
    return path.exists() and path.read_text() == wanted


def stamp(path: Path, value: str) -> None:
    """Note what something was made from."""
    beside = path.with_suffix(".new")
    beside.write_text(value)
    beside.replace(path)


def _make_environment() -> None:
    """Make the environment, anew when its Python is another one or does not run."""
    folder, python = environment_folder(), environment_python()
    if python.exists() and _version_of(python) == platform.python_version():
        return
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", folder], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise LaunchFailure(
            f"Could not make {folder}:\n{(made.stdout + made.stderr).strip()}\n"
            "A Debian Python needs its venv package: apt-get install python3-venv"
        )


def _version_of(python: Path) -> str:
    try:
        asked = subprocess.run(
            [python, "-c", "import platform, pip; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return asked.stdout.strip()


def _torch_arguments() -> list[str]:
    """torch alone and first, from the index that an environment variable may name.

    The default build for Linux can be the one for NVIDIA cards, several gigabytes large.
    """
    pin = re.search(r"^torch==\S+$", REQUIREMENTS.read_text(), re.MULTILINE)
    if pin is None:
        raise LaunchFailure(f"{REQUIREMENTS} pins no torch.")
    index = os.environ.get(TORCH_INDEX)
    return [pin.group(), *(["--index-url", index] if index else [])]


def _install(step: Step, arguments: list[str]) -> None:
    counted = 0

    def show(text: str) -> None:
        nonlocal counted
        if text.startswith("Collecting "):
            counted += 1
            step.progress(f"{counted}: {text.removeprefix('Collecting ').split(' ')[0]}")
        elif text.startswith("Installing collected packages"):
            step.progress(f"installing {counted} packages")

    run_logged(
        [environment_python(), *PIP, "install", "--progress-bar=off", *arguments],
        log=environment_folder() / "install.log",
        line=show,
    )
    step.progress(f"{counted} installed" if counted else "there already")
