"""`python -m benchmarks.exports`: masks to COCO and back in, beside label-studio-sdk's converter on equal masks.

Every run has a process of its own, which tells its time and memory. The converter gets an environment of its own,
made with pip at the first run; with `--folder` it is kept, like the databases.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import django
import numpy as np
from numpy.typing import NDArray

from benchmarks.exports.cost import Cost, told
from benchmarks.servers import servers
from benchmarks.tables import describe_run, format_table, write_section

if TYPE_CHECKING:
    from benchmarks.exports.data_set import Shape

TITLE = "Exports and imports"
SIZES = (1_000, 10_000, 100_000)
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CHECKOUT = REQUIREMENTS.parent.parent.parent
OURS, THEIRS = "Maskwright", "label-studio-sdk"
EXPLAINED = (
    "Masks per second of processor time, our database's included [by the clock]; the most memory that the process"
    " held, and what it held before it began. Masks of wavy outline, 40 on a picture of 640×480, every eighth with a"
    " hole. Export: from the database of each (ours PostgreSQL; theirs a JSON of tasks with brush masks, which their"
    " converter reads) to COCO. Ours is RLE, the mask itself; theirs polygons, without the holes. Import: from COCO"
    " polygons. Ours reads and stores every picture, draws and checks every mask and writes it into the database, once"
    " more into a project that has the pictures, and again when all of it is there; theirs rewrites the file and looks"
    " at no picture."
)


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    masks: int
    what: str
    cost: Cost

    @property
    def per_busy_second(self) -> float:
        return self.masks / max(self.cost.busy_seconds, 0.01)


def main(arguments: Sequence[str] | None = None) -> None:
    """Seed, measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--masks", type=int, nargs="+", default=SIZES, help="exported")
    parser.add_argument("--imported", type=int, nargs="+", default=SIZES[:2], help="imported")
    parser.add_argument("--folder", type=Path, help="keeps databases and environment here")
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mw-bench-files-") as place:
        theirs = converter_python((asked.folder or Path(place)) / "label-studio")
        with servers(asked.folder) as environment:
            os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
            django.setup()
            exported, imported = measure(asked.masks, asked.imported, theirs, Path(place))
    text = report(exported, imported)
    print(text)
    if asked.write:
        write_section(TITLE, text)


def converter_python(folder: Path) -> Path:
    """The interpreter of the converter's environment, which is made when it is not there."""
    python = folder.resolve() / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True)
    return python


def measure(
    masks: Sequence[int], imported: Sequence[int], theirs: Path, place: Path
) -> tuple[list[Row], list[Row]]:
    """Exports of these sizes and imports of those, ours and theirs by turns."""
    from django.core.management import call_command  # needs Django's settings

    from benchmarks.exports.data_set import described, drawn_shapes

    call_command("migrate", verbosity=0, interactive=False)
    drawn = drawn_shapes()
    shapes = described(drawn)
    exports = [row for size in masks for row in measure_export(size, drawn, shapes, theirs, place)]
    imports = [row for size in imported for row in measure_import(size, shapes, theirs, place)]
    return exports, imports


def measure_export(
    size: int, drawn: NDArray[np.bool_], shapes: list[Shape], theirs: Path, place: Path
) -> list[Row]:
    """The two exports of so many masks."""
    from annotator.models import Project  # needs Django's settings
    from benchmarks.exports.data_set import plan, seed_project

    project = Project.objects.filter(name=f"{size} masks").first() or seed_project(shapes, size)
    starts = [0, *(on_it.stop for _, on_it in plan(size))]
    np.savez(place / "shapes.npz", shapes=drawn, starts=starts)
    tasks, out = place / "tasks.json", place / "out.json"
    run(theirs, "label_studio", "prepare", place / "shapes.npz", tasks)
    rows = [
        Row(size, OURS, told(run(sys.executable, "ours", "export", project.id, out))),
        Row(size, THEIRS, told(run(theirs, "label_studio", "export", tasks, place / "theirs"))),
    ]
    tasks.unlink()
    return rows


def measure_import(size: int, shapes: list[Shape], theirs: Path, place: Path) -> list[Row]:
    """Ours into an empty project and again, into one that has the pictures, and theirs."""
    from annotator.models import Project  # needs Django's settings
    from benchmarks.exports.data_set import without_masks, write_coco

    project = Project.objects.create(name=f"imported {size} {os.getpid()}")
    with_pictures = Project.objects.create(name=f"pictures {size} {os.getpid()}")
    coco = write_coco(shapes, size, place / f"coco-{size}")
    ours = ("ours", "import", project.id, coco)
    into_known = ("ours", "import", with_pictures.id)
    new, again = told(run(sys.executable, *ours)), told(run(sys.executable, *ours))
    run(sys.executable, *into_known, without_masks(coco))
    return [
        Row(size, OURS, new),
        Row(size, f"{OURS}, pictures there", told(run(sys.executable, *into_known, coco))),
        Row(size, f"{OURS}, all there", again),
        Row(size, THEIRS, told(run(theirs, "label_studio", "import", coco, place / "tasks.json"))),
    ]


def run(python: Path | str, module: str, *words: object) -> str:
    """What a run printed."""
    command = [python, "-m", f"benchmarks.exports.{module}", *map(str, words)]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    print(f"{module} {words[0]}: done", flush=True)
    return done.stdout


def report(exported: Sequence[Row], imported: Sequence[Row]) -> str:
    """Both tables, with the ratio to ours."""
    parts = [f"{describe_run('python -m benchmarks.exports')}, Python {sys.version.split()[0]}."]
    parts[0] += f" {EXPLAINED}"
    parts += [f"Export:\n\n{table(exported)}", f"Import:\n\n{table(imported)}"]
    return "\n\n".join(parts)


def table(rows: Sequence[Row]) -> str:
    """A line for each run; the ratio is how many times as many masks as theirs a processor second yields."""
    theirs = {row.masks: row for row in rows if row.what == THEIRS}
    head = ["masks", "", "masks a second", "ratio", "peak memory, MB", "before, MB"]
    return format_table(
        head,
        [
            [
                f"{row.masks:,}",
                row.what,
                f"{row.per_busy_second:,.0f} [{row.masks / row.cost.seconds:,.0f}]",
                f"{row.per_busy_second / theirs[row.masks].per_busy_second:.2g}",
                f"{row.cost.peak_mb:,.0f}",
                f"{row.cost.start_mb:,.0f}",
            ]
            for row in rows
        ],
    )


if __name__ == "__main__":
    main()
