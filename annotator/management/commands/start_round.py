"""`manage.py start_round PROJECT`: starts a round of retraining and follows it."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.management.follow import follow
from annotator.models import TrainingMasks
from annotator.queries.jobs import find_project_by_name
from annotator.queries.model_versions import find_model_version
from annotator.services.rounds import RoundSettings, start_round


class Command(BaseCommand):
    help = "Starts a round of retraining on a project's accepted masks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("--steps", type=int, default=RoundSettings.steps)
        parser.add_argument("--minutes", type=float, default=RoundSettings.minutes)
        parser.add_argument(
            "--training-masks",
            choices=TrainingMasks.values,
            default=RoundSettings.training_masks,
            help="all accepted ones, the new ones, or those of the last round again (%(default)s)",
        )
        parser.add_argument(
            "--start-from",
            type=uuid.UUID,
            metavar="MODEL",
            help="a model version, of any architecture; the one in use when not given",
        )
        parser.add_argument("--train-encoder", action="store_true", help="not the decoder alone")
        parser.add_argument("--no-wait", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        names = ("steps", "minutes", "training_masks", "train_encoder")
        settings = RoundSettings(**{name: options[name] for name in names})
        try:
            project = find_project_by_name(options["project"])
            chosen = options["start_from"]
            start = None if chosen is None else find_model_version(model_id=chosen)
            started = start_round(project=project, by=None, settings=settings, start=start)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"round {started.number}, job {started.job_id}")
        if not options["no_wait"]:
            follow(job_id=started.job_id, say=self.stdout.write)
