"""`manage.py add_images PROJECT FILES…`: adds local pictures to a project."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.queries.projects import find_project_by_name
from annotator.services.images import Upload, add_images
from annotator.services.picture_files import is_called_picture


class Command(BaseCommand):
    help = "Add picture files, or the pictures of folders, to a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("files", nargs="+", type=Path)

    def handle(self, *args: object, project: str, files: list[Path], **options: object) -> None:
        try:
            found = find_project_by_name(project)
            paths = [path for named in files for path in _pictures(named)]
            uploads = [Upload(path.name, path) for path in paths]
            report = add_images(project=found, uploads=uploads, by=None)
        except DomainError as error:
            raise CommandError(error.message) from error
        for refusal in report.refused:
            self.stderr.write(f"{refusal.name}: {refusal.message}")
        new = sum(not one.is_duplicate for one in report.added)
        known = len(report.added) - new
        self.stdout.write(f"{new} added, {known} known already, {len(report.refused)} refused.")
        if report.refused:
            raise CommandError("Some files were refused.")


def _pictures(named: Path) -> list[Path]:
    if named.is_dir():
        return sorted(path for path in named.rglob("*") if is_called_picture(path))
    if not named.is_file():
        raise CommandError(f"There is no file {named}.")
    return [named]
