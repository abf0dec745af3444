"""`manage.py register_checkpoint FILE --architecture vit_b`: a published checkpoint becomes a model version."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.management.follow import follow
from annotator.queries.comparisons import newest_comparison_of
from annotator.queries.jobs import find_job
from annotator.queries.model_versions import find_by_fingerprint
from annotator.services.checkpoints import put_checkpoint, start_registration
from common.architectures import ARCHITECTURES, guess_architecture


class Command(BaseCommand):
    help = (
        "Converts, exports, verifies and registers a SAM or MobileSAM checkpoint, and compares it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="copied into the folder of checkpoints")
        parser.add_argument(
            "--architecture", choices=list(ARCHITECTURES), help="default: by the file's name"
        )
        parser.add_argument("--no-wait", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        architecture = options["architecture"] or guess_architecture(options["file"].name)
        if architecture is None:
            raise CommandError(
                "The file's name does not tell its architecture: say --architecture."
            )
        try:
            name = put_checkpoint(options["file"])
            job = start_registration(file=name, architecture=architecture, by=None)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"job {job.id}")
        if options["no_wait"]:
            return
        follow(job_id=job.id, say=self.stdout.write)
        made = find_job(job_id=job.id).result["bundle_fingerprint"]
        version = find_by_fingerprint(str(made))
        self.stdout.write(f"{version.id} {version.name} {version.bundle_fingerprint[:12]}")
        pair = newest_comparison_of(version)
        if pair is None:
            self.stdout.write("It was compared with nothing: no held-out mask, or no model in use.")
        else:
            self.stdout.write(
                f"It is being compared with {pair.base.name}: manage.py follow_job {pair.job_id}"
            )
