"""`python -m benchmarks.exports.ours export|import PROJECT FILE`: one run of ours, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.exports.cost import measured, tell


def main() -> None:
    """Runs the command and tells its cost, the database's share in it."""
    what, project, file = sys.argv[1:]
    django.setup()
    from annotator.management.commands import export_masks, import_masks
    from benchmarks.dashboard.measuring import server_seconds

    runs: dict[str, Callable[[], object]] = {
        "export": lambda: call_command(export_masks.Command(), project, Path(file)),
        "import": lambda: call_command(import_masks.Command(), project, Path(file)),
    }
    tell(measured(runs[what], server_seconds))


if __name__ == "__main__":
    main()
