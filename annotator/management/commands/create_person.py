"""`manage.py create_person NAME`: somebody new, with a one-time link to set a password."""

from __future__ import annotations

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from annotator.errors import DomainError
from annotator.models import Role
from annotator.queries.projects import find_project_by_name
from annotator.services.people import create_person, make_sign_in_link, set_role


class Command(BaseCommand):
    help = (
        "Create a person, optionally as a member of a project, and print a one-time sign-in link."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--display-name", default="")
        parser.add_argument("--admin", action="store_true")
        parser.add_argument("--project", help="name or id of a project to join")
        parser.add_argument("--role", choices=Role.values, default=Role.ANNOTATOR)
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *args: object, **options: str) -> None:
        try:
            with transaction.atomic():
                secret = self._create(options)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{options['base_url'].rstrip('/')}/link/{secret}")

    def _create(self, options: dict[str, str]) -> str:
        person = create_person(
            name=options["name"],
            display_name=options["display_name"],
            is_admin=bool(options["admin"]),
        )
        if options["project"]:
            project = find_project_by_name(options["project"])
            set_role(project=project, person=person, role=Role(options["role"]))
        return make_sign_in_link(person=person)
