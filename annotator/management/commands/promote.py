"""`manage.py promote MODEL` or `manage.py promote --back`: which model version annotators use."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.queries.model_versions import find_model_version
from annotator.services.bundles import promote_over_current, roll_back


class Command(BaseCommand):
    help = "Promotes a model version, or goes back to the one before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", nargs="?", type=uuid.UUID)
        parser.add_argument(
            "--although-worse", metavar="REASON", default="", help="override the gate; remembered"
        )
        parser.add_argument("--back", action="store_true", help="go back to the version before")

    def handle(self, *args: object, **options: Any) -> None:
        if (options["model"] is None) != options["back"]:
            raise CommandError("Name a model version, or say --back.")
        try:
            if options["back"]:
                promotion = roll_back()
            else:
                version = find_model_version(model_id=options["model"])
                promotion = promote_over_current(
                    model_version=version, although_worse=options["although_worse"]
                )
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{promotion.model_version_id} is in use now.")
