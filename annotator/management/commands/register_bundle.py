"""`manage.py register_bundle FOLDER [--promote]`: makes a bundle known as a model version."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.services.bundles import promote_over_current, register_folder


class Command(BaseCommand):
    help = "Verifies a bundle folder, copies it to storage and registers it as a model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--promote", action="store_true", help="and let annotators use it")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            version = register_folder(folder=options["folder"])
            if options["promote"]:
                promote_over_current(model_version=version)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version.id} {version.name} {version.bundle_fingerprint[:12]}")
