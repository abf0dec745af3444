"""`manage.py follow_job JOB`: prints how a background job goes until it ends."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.follow import follow


class Command(BaseCommand):
    help = "Prints the progress of a job until it ends; fails when the job fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", type=uuid.UUID)

    def handle(self, *args: object, **options: Any) -> None:
        follow(job_id=options["job"], say=self.stdout.write)
