"""`manage.py sign_in_link PERSON`: a new one-time link by which the person sets a password."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.queries.people import find_person_by_name
from annotator.services.people import make_sign_in_link


class Command(BaseCommand):
    help = "Print a new one-time sign-in link; the link before stops working."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", help="the sign-in name")
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *args: object, person: str, base_url: str, **options: object) -> None:
        try:
            found = find_person_by_name(person)
        except DomainError as error:
            raise CommandError(error.message) from error
        secret = make_sign_in_link(person=found)
        self.stdout.write(f"{base_url.rstrip('/')}/link/{secret}")
