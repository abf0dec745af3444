"""`manage.py create_token PERSON NAME`: an API token for a person's scripts."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.models import TokenScope
from annotator.queries.people import find_person_by_name
from annotator.services.tokens import DEFAULT_TOKEN_DAYS, create_token


class Command(BaseCommand):
    help = "Make an API token for a person and print its secret, which is not kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", help="the sign-in name")
        parser.add_argument("name", help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=TokenScope.values,
            default=[],
            help="what it may do besides reading; may be given several times",
        )
        parser.add_argument("--days", type=int, default=DEFAULT_TOKEN_DAYS)

    def handle(
        self,
        *args: object,
        person: str,
        name: str,
        scope: list[str],
        days: int,
        **options: object,
    ) -> None:
        try:
            found = find_person_by_name(person)
            _, secret = create_token(person=found, name=name, scopes=scope, days=days)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(secret)
