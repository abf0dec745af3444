"""`manage.py export_masks PROJECT OUT --format F`: writes a project's accepted masks to a file."""

from __future__ import annotations

import hashlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.models import Project
from annotator.queries.jobs import find_project_by_name
from annotator.services.exports import FORMATS, copy_pictures


class Command(BaseCommand):
    help = "Writes a project's accepted masks; the file appears complete or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("out", type=Path)
        parser.add_argument("--images", type=Path, help="folder to write the pictures to as well")
        self.add_format(parser)

    def add_format(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=list(FORMATS), default="coco")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            project = find_project_by_name(options["project"])
        except DomainError as error:
            raise CommandError(error.message) from error
        out: Path = options["out"]
        num_masks = write_file(project, options["format"], out)
        with out.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.stdout.write(f"{num_masks} masks in {out}, SHA-256 {sha256}")
        folder: Path | None = options["images"]
        if folder is not None:
            num_pictures = copy_pictures(project=project, folder=folder)
            self.stdout.write(f"{num_pictures} pictures written to {folder}")


def write_file(project: Project, format: str, out: Path) -> int:
    """Writes beside `out` and renames; returns how many masks."""
    beside = out.with_name(f".{out.name}.partial")
    with beside.open("wb") as file:
        num_masks = FORMATS[format].write(project, file, lambda share: None)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(out)
    return num_masks
