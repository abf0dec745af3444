"""The Chromium that browser tests drive: one that is installed, else one that we install."""

import os
import shutil
import subprocess
from pathlib import Path

from launcher.command import run_logged
from launcher.failures import LaunchFailure
from launcher.places import environment_folder, environment_python
from launcher.steps import Steps

CHOICE = "MASKWRIGHT_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTRUCTION = (
    "Browser tests need Chromium, and none could be installed here. Install it (Debian: "
    f"apt-get install chromium) or set {CHOICE} to its path, then run the tests again."
)
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def ensure_chromium(steps: Steps) -> Path:
    """Find a Chromium or install one. Raises LaunchFailure with the instruction: tests never skip."""
    found = find_chromium()
    if found is not None:
        return found
    with steps.step("Chromium"):
        for install in (_install_by_apt, _install_by_playwright):
            if install():
                found = find_chromium() or _playwright_chromium()
                if found is not None:
                    return found
        raise LaunchFailure(INSTRUCTION)


def find_chromium() -> Path | None:
    """The chosen one, else an installed one."""
    chosen = os.environ.get(CHOICE)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise LaunchFailure(f"{CHOICE}={chosen} is no program.")
        return Path(chosen)
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return Path(path)
    return None


def _install_by_apt() -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = environment_folder() / "chromium.log"
    try:
        run_logged(["apt-get", "-qq", "update"], log=log, environment=environment)
        run_logged(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"],
            log=log,
            environment=environment,
        )
    except (LaunchFailure, OSError):
        return False
    return True


def _install_by_playwright() -> bool:
    try:
        run_logged(
            [environment_python(), "-m", "playwright", "install", "chromium"],
            log=environment_folder() / "chromium.log",
        )
    except (LaunchFailure, OSError):
        return False
    return True


def _playwright_chromium() -> Path | None:
    asked = subprocess.run(
        [environment_python(), "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False
    )
    path = Path(asked.stdout.strip() or "/nonexistent")
    return path if path.is_file() else None
