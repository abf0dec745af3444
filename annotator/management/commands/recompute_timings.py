"""`manage.py recompute_timings`: derives every timing again from the log and compares."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from annotator.services.timing import recompute_timings


class Command(BaseCommand):
    help = (
        "Derive every mask's timing again from the interaction log; stored rows are never changed."
    )

    def handle(self, *args: object, **options: object) -> None:
        compared, differences = recompute_timings()
        for one in differences:
            self.stdout.write(
                f"mask {one.timing.mask_id} version {one.timing.version}: {one.field} "
                f"stored {one.stored!r}, derived {one.derived!r}"
            )
        self.stdout.write(f"{compared} timings compared, {len(differences)} differences.")
        if differences:
            raise CommandError("The stored timings differ from the log.")
