"""The command line: start (no word), test, link, soak."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from launcher.address import Address
from launcher.failures import LaunchFailure, StopRequested
from launcher.places import CHECKOUT, Home, default_home, environment_python
from launcher.start import run_product
from launcher.steps import Steps
from launcher.testing import run_soak, run_tests

EPILOG = """\
commands:
  run.py                      start everything; Ctrl-C stops it
  run.py test [PYTEST ...]    install what tests need, run all checks and tests
                              (with arguments: only pytest, with these)
  run.py link PERSON          print a new one-time sign-in link (the product must be running)
  run.py soak [PYTEST ...]    the long fault runs

environment:
  MASKWRIGHT_HOME             where everything is kept (/var/lib/maskwright as root,
                              else ~/.local/share/maskwright)
  DATABASE_URL, REDIS_URL, STORAGE_URL
                              servers of your own; nothing is embedded in their place
  ALLOWED_HOSTS               names under which the site is asked for, by commas
  MASKWRIGHT_TORCH_INDEX      package index for torch (for instance one with builds
                              for processors only, or for your graphics card)
  MASKWRIGHT_VENV             virtual environment (default: .venv beside run.py)
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    _stop_on_signals()
    steps = Steps()
    words = list(arguments)
    try:
        if words[:1] == ["test"]:
            return run_tests(words[1:], steps=steps)
        if words[:1] == ["soak"]:
            return run_soak(words[1:], steps=steps)
        if words[:1] == ["link"]:
            return _print_link(words[1:])
        return _start(words, steps)
    except LaunchFailure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, StopRequested):
        print("\nStopped.")
        return 130


def _start(words: list[str], steps: Steps) -> int:
    options = _parser().parse_args(words)
    if (options.certificate is None) != (options.key is None):
        raise LaunchFailure("--certificate and --key belong together.")
    for path in (options.certificate, options.key):
        if path is not None and not path.is_file():
            raise LaunchFailure(f"{path} is no file.")
    address = Address(
        host=options.host, port=options.port, certificate=options.certificate, key=options.key
    )
    home = Home(default_home())
    steps.say(f"Maskwright, in {home.folder}")
    try:
        run_product(home=home, address=address, steps=steps)
    except (KeyboardInterrupt, StopRequested):
        steps.say("\nStopped.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="Starts Maskwright: installs what is missing, then servers, web and workers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    parser.add_argument("--certificate", type=Path, help="PEM file: speak HTTPS")
    parser.add_argument("--key", type=Path, help="PEM file: the certificate's key")
    return parser


def _print_link(words: list[str]) -> int:
    if len(words) != 1 or words[0].startswith("-"):
        raise LaunchFailure("Usage: python3 run.py link PERSON")
    if not environment_python().exists():
        raise LaunchFailure("Nothing is installed yet: run python3 run.py first.")
    made = subprocess.run(
        [environment_python(), "manage.py", "sign_in_link", words[0]],
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return made.returncode


def _stop_on_signals() -> None:
    """SIGTERM and SIGHUP unwind like Ctrl-C does."""

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        raise StopRequested(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGHUP, ask)
    # A shell that starts us in the background makes us ignore Ctrl-C's signal; we want it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
