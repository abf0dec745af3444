"""`manage.py create_demo`: people, a project and photographs for the first five minutes."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from annotator.services.demo import create_demo


class Command(BaseCommand):
    help = "Create the Demo project with its people and photographs. Safe to repeat."

    def handle(self, *args: object, **options: object) -> None:
        report = create_demo()
        for refusal in report.refused:
            self.stderr.write(f"{refusal.name}: {refusal.message}")
        new = sum(not one.is_duplicate for one in report.added)
        self.stdout.write(f"Demo: {len(report.added)} images, {new} of them new.")
        if report.refused:
            raise CommandError("Some photographs were refused.")
