"""`manage.py register_bundle FOLDER [--promote | --bundled]`: makes a bundle known as a model version."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.services.bundles import promote_bundled, promote_over_current, register_folder


class Command(BaseCommand):
    help = "Verifies a bundle folder, copies it to storage and registers it as a model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        then = parser.add_mutually_exclusive_group()
        then.add_argument("--promote", action="store_true", help="and let annotators use it")
        then.add_argument(
            "--bundled",
            action="store_true",
            help="it came with the product: let annotators use it unless somebody has chosen a model",
        )

    def handle(self, *args: object, **options: Any) -> None:
        try:
            version = register_folder(folder=options["folder"])
            if options["promote"]:
                promote_over_current(model_version=version)
            elif options["bundled"] and not promote_bundled(model_version=version):
                self.stderr.write("Somebody has chosen a model: this one is a candidate.")
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version.id} {version.name} {version.bundle_fingerprint[:12]}")
