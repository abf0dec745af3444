"""`manage.py audit PROJECT [--images N --seed S]`: draws a sample to correct, or tells what audits found."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.models import Project
from annotator.queries.jobs import find_project_by_name
from annotator.queries.mask_audits import AuditResult, audit_result, audits_of
from annotator.services.mask_audits import start_audit


class Command(BaseCommand):
    help = "Draws images by a seed, whose masks are then corrected; without --images tells what audits found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument("--images", type=int, help="how many images to draw")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            project = find_project_by_name(options["project"])
            if options["images"] is not None:
                self._start(project, num_images=options["images"], seed=options["seed"])
        except DomainError as error:
            raise CommandError(error.message) from error
        for audit in audits_of(project):
            self.stdout.write(_line(audit_result(audit)))

    def _start(self, project: Project, *, num_images: int, seed: int) -> None:
        if num_images < 1 or seed < 0:
            raise CommandError("An audit has at least one image and a seed that is not negative.")
        start_audit(project=project, num_images=num_images, seed=seed, by=None)


def _line(result: AuditResult) -> str:
    audit = result.audit
    parts = [
        f"seed {audit.seed}, {audit.num_images} images",
        f"{result.num_decided} of {result.num_masks} masks decided",
    ]
    for level in result.levels:
        if level.share is not None and level.interval is not None:
            low, high = level.interval
            parts.append(f"{level.share:.1%} above {level.iou:.2f} IoU ({low:.1%} to {high:.1%})")
    return "; ".join(parts)
