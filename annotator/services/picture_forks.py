"""The process that reads untrusted pictures, each in a bounded child: `python -m annotator.services.picture_forks`.

It knows neither Django nor the database. Starting Python and Pillow takes several times as long as reading a
picture, so they are started once and forked. A line of JSON asks for one picture, `[source, folder]`; a line answers
when its child has ended, with the exit status: 0 when `report.json` is in the folder. It ends with its input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from PIL import Image, MpoImagePlugin, WebPImagePlugin

from annotator.services.picture_reader import read_picture

READY_TO_FORK = (MpoImagePlugin, WebPImagePlugin)  # besides what `preinit` imports


def main(arguments: list[str]) -> int:
    """Bytes of memory and seconds of processor time that each child may take."""
    memory, seconds = map(int, arguments)
    Image.preinit()
    for line in sys.stdin:
        source, folder = map(Path, json.loads(line))
        status = _in_child(source, folder, memory=memory, seconds=seconds)
        print(status, flush=True)
    return 0


def _in_child(source: Path, folder: Path, *, memory: int, seconds: int) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        _close_pipes()
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        report = read_picture(source=source, folder=folder)
        (folder / "report.json").write_text(json.dumps(asdict(report)), encoding="utf-8")
        status = 0
    finally:
        os._exit(status)


def _close_pipes() -> None:
    """A picture never hears or answers for the others."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for pipe in (0, 1, 2):
        os.dup2(nothing, pipe)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
