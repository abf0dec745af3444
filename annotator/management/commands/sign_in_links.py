"""`manage.py sign_in_links`: one link per demo role that has no password yet, as `role: URL`."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand

from annotator.errors import DomainError
from annotator.queries.people import find_person_by_name
from annotator.services.demo import DEMO_PEOPLE
from annotator.services.people import make_sign_in_link


class Command(BaseCommand):
    help = "Print a one-time sign-in link for each person of the demo without a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *args: object, base_url: str, **options: object) -> None:
        for name in DEMO_PEOPLE:
            try:
                person = find_person_by_name(name)
            except DomainError:
                continue
            if person.has_usable_password():
                continue
            secret = make_sign_in_link(person=person)
            self.stdout.write(f"{name}: {base_url.rstrip('/')}/link/{secret}")
