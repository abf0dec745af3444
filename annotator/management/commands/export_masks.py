"""`manage.py export_masks PROJECT OUT --format F`: writes a project's accepted masks, or a part of them, to a file."""

from __future__ import annotations

import hashlib
import os
from argparse import ArgumentParser, BooleanOptionalAction
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.models import MaskOrigin, Project
from annotator.queries.export_parts import ExportPart, check_part, find_author
from annotator.queries.jobs import find_project_by_name
from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS, check_format, copy_pictures


class Command(BaseCommand):
    help = "Writes a project's accepted masks; the file appears complete or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("out", type=Path)
        pictures = parser.add_mutually_exclusive_group()
        pictures.add_argument("--images", type=Path, help="folder to write the pictures to as well")
        pictures.add_argument(
            "--with-pictures", action="store_true", help="OUT becomes a zip file with the pictures"
        )
        self.add_format(parser)
        part = parser.add_argument_group("only a part of them")
        part.add_argument(
            "--trained-in",
            type=int,
            metavar="ROUND",
            help="what a round trained on, as it was then",
        )
        part.add_argument(
            "--since-round", type=int, metavar="ROUND", help="accepted or changed since it began"
        )
        part.add_argument("--author", help="sign-in name")
        for word in ("first", "last"):
            part.add_argument(
                f"--{word}-day",
                type=date.fromisoformat,
                metavar="YYYY-MM-DD",
                help="of accepting, UTC",
            )
        part.add_argument("--origin", choices=MaskOrigin.values)
        part.add_argument(
            "--reviewed", action=BooleanOptionalAction, help="by a reviewer, as they are now"
        )

    def add_format(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=list(FORMATS), default="coco")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            project = find_project_by_name(options["project"])
            part = _part(project, options)
            check_part(project=project, part=part)
            check_format(options["format"], with_pictures=options["with_pictures"])
        except DomainError as error:
            raise CommandError(error.message) from error
        out: Path = options["out"]
        selection = Selection(project, part, with_pictures=options["with_pictures"])
        num_masks = write_file(selection, options["format"], out)
        with out.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.stdout.write(f"{num_masks} masks in {out}, SHA-256 {sha256}")
        folder: Path | None = options["images"]
        if folder is not None:
            num_pictures = copy_pictures(selection=selection, folder=folder)
            self.stdout.write(f"{num_pictures} pictures written to {folder}")


def _part(project: Project, options: dict[str, Any]) -> ExportPart:
    """What the options say. Raises `Invalid` for the name of nobody."""
    named = ("trained_in", "since_round", "first_day", "last_day", "origin", "reviewed")
    name: str | None = options["author"]
    author = None if name is None else find_author(project, name).id
    return ExportPart(author=author, **{word: options[word] for word in named})


def write_file(selection: Selection, format: str, out: Path) -> int:
    """Writes beside `out` and renames; returns how many masks."""
    beside = out.with_name(f".{out.name}.partial")
    with beside.open("wb") as file:
        num_masks = FORMATS[format].write(selection, file, lambda share: None)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(out)
    return num_masks
