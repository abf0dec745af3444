"""`manage.py wait_for_embeddings`: waits until the workers have embedded what the current model lacks."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.models import JobKind
from annotator.queries.embeddings import missing_embeddings
from annotator.queries.jobs import count_open_jobs
from annotator.queries.model_versions import current_model_version
from annotator.services.embeddings import request_missing_embeddings

LOOK_S = 0.3


class Command(BaseCommand):
    help = "Asks for all missing embeddings of the current model and waits for them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=600.0)

    def handle(self, *args: object, **options: Any) -> None:
        model = current_model_version()
        if model is None:
            raise CommandError("No model was promoted yet.")
        request_missing_embeddings(model_version=model, again=True)
        end = time.monotonic() + options["seconds"]
        said = -1
        while num_open := count_open_jobs(kind=JobKind.EMBED):
            if num_open != said:
                self.stdout.write(f"{num_open} to go")
                said = num_open
            if time.monotonic() > end:
                raise CommandError(f"{num_open} embeddings were not ready in time.")
            time.sleep(LOOK_S)
        missing = missing_embeddings(model_version=model).first()
        if missing is not None:
            raise CommandError(f"The embedding of picture {missing.sha256} failed.")
        self.stdout.write("All embeddings are ready.")
