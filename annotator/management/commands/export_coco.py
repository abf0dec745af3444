"""`manage.py export_coco PROJECT OUT`: writes a project's accepted masks to a COCO file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.queries.jobs import find_project_by_name
from annotator.services.exports import coco_pieces, copy_pictures


class Command(BaseCommand):
    help = (
        "Writes a project's accepted masks as COCO JSON; the file appears complete or not at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("out", type=Path)
        parser.add_argument("--images", type=Path, help="folder to write the pictures to as well")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            project = find_project_by_name(options["project"])
        except DomainError as error:
            raise CommandError(error.message) from error
        out: Path = options["out"]
        beside = out.with_name(f".{out.name}.partial")
        num_masks = 0
        with beside.open("wb") as file:
            for piece in coco_pieces(project=project):
                file.write(piece.text.encode())
                num_masks += piece.is_mask
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
        self.stdout.write(f"{num_masks} masks in {out}")
        folder: Path | None = options["images"]
        if folder is not None:
            num_pictures = copy_pictures(project=project, folder=folder)
            self.stdout.write(f"{num_pictures} pictures written to {folder}")
