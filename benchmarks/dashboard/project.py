"""`python -m benchmarks.dashboard.project NAME`: a large project to look at, in an installation of its own.

Pictures and shapes are drawn by formulas; people, masks, log, timings and reviews are those of the benchmark. Run it
where `manage.py` runs, never where work is done: it makes people and model versions that nobody can use.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence

import django

DEFAULT_MASKS, DEFAULT_IMAGES = 60_000, 2_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Fills the project and says how long it took."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboard.project", description=__doc__
    )
    parser.add_argument("name")
    parser.add_argument("--masks", type=int, default=DEFAULT_MASKS)
    parser.add_argument("--images", type=int, default=DEFAULT_IMAGES)
    asked = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from benchmarks.dashboard.filling import fill_project  # needs Django's settings

    began = time.perf_counter()
    masks = fill_project(asked.name, masks=asked.masks, images=asked.images)
    seconds = time.perf_counter() - began
    print(f"{asked.name}: {asked.images:,} images, {masks:,} masks in {seconds:.0f} s")


if __name__ == "__main__":
    main()
