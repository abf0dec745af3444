"""People: who they are, the one-time links by which they set a password, and signing in."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotator.errors import Conflict, Invalid, NotInScope, NotSignedIn, TooManyRequests
from annotator.models import Membership, Person, Project, Role, SignInFailure, SignInLink
from annotator.queries.scope import NOTHING
from annotator.services.assignments import release_leases
from annotator.services.audit import record_act
from annotator.services.hints import recheck_sockets

LINK_DAYS = 7
FAILURE_WINDOW = timedelta(minutes=15)
FAILURES_PER_NAME_AND_ADDRESS = 10
FAILURES_PER_ADDRESS = 100
FAILURES_PER_KNOWN_BROWSER = 20
MAX_PASSWORD_LENGTH = 256
KNOWN_BROWSER_SALT = "maskwright.known-browser"
KNOWN_BROWSER_SECONDS = 365 * 24 * 3600
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,78}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Visitor:
    """Where a sign-in comes from. `known_browser` is the signed cookie of an earlier sign-in, or ""."""

    address: str
    known_browser: str = ""


def create_person(
    *, name: str, display_name: str = "", is_admin: bool = False, by: Person | None = None
) -> Person:
    """A person without a password: a one-time link lets its person set one."""
    if not NAME.fullmatch(name):
        text = f"{name!r} is no sign-in name: letters, digits and . _ @ - inside, at most 80."
        raise Invalid(text, code="bad_name", field="name")
    if Person.objects.filter(name__iexact=name).exists():
        raise Conflict(f"A person named {name!r} exists.", code="name_taken", field="name")
    person = Person(name=name, display_name=display_name or name, is_admin=is_admin)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save()
            record_act(person=by, act="person.created", subject=name)
    except IntegrityError as error:
        raise Conflict(f"A person named {name!r} exists.", code="name_taken") from error
    return person


def set_role(*, project: Project, person: Person, role: Role, by: Person | None = None) -> None:
    """Makes the person a member with this role, or changes the role."""
    with transaction.atomic():
        Membership.objects.update_or_create(project=project, person=person, defaults={"role": role})
        record_act(
            person=by,
            project=project,
            act="member.role_set",
            subject=person.name,
            detail={"role": str(role)},
        )


def remove_member(*, project: Project, person: Person, by: Person | None = None) -> None:
    """Ends a membership, on open sockets too; the work of the person stays, images they hold are free again."""
    with transaction.atomic():
        removed, _ = Membership.objects.filter(project=project, person=person).delete()
        if not removed:
            raise NotInScope(NOTHING)
        release_leases(person=person, project=project)
        record_act(person=by, project=project, act="member.removed", subject=person.name)
        _recheck_on_commit(person)


def set_person_active(*, person: Person, is_active: bool, by: Person) -> None:
    """Shuts a person out or lets them in again.

    Shut out means: sessions, open sockets and tokens end at once, links stop working, images they hold are free
    for others. The work stays.

    Raises `Conflict` for oneself, so that an installation keeps an admin.
    """
    if person == by:
        raise Conflict("Nobody deactivates themselves; ask another admin.", code="own_account")
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(is_active=is_active)
        act = "person.activated" if is_active else "person.deactivated"
        record_act(person=by, act=act, subject=person.name)
        if not is_active:
            release_leases(person=person)
            _recheck_on_commit(person)


def _recheck_on_commit(person: Person) -> None:
    transaction.on_commit(lambda: recheck_sockets(person=person), robust=True)


# ---- one-time links ------------------------------------------------------------------------------


def make_sign_in_link(*, person: Person, by: Person | None = None) -> str:
    """The secret of a new link; earlier unused links of the person stop working."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        SignInLink.objects.filter(person=person, used_at=None).delete()
        SignInLink.objects.create(
            person=person,
            secret_sha256=hash_secret(secret),
            expires_at=timezone.now() + timedelta(days=LINK_DAYS),
        )
        record_act(person=by, act="link.made", subject=person.name)
    return secret


def find_link_person(*, secret: str) -> Person:
    """Whose link this is, while it still works. Looking (GET) never consumes it."""
    link = _open_links(secret).select_related("person").first()
    if link is None:
        raise NotInScope(NOTHING)
    return link.person


def consume_link(*, secret: str, password: str) -> Person:
    """Sets the password of the link's person and ends the link, once. Raises `Invalid` for a weak password."""
    with transaction.atomic():
        link = _open_links(secret).select_for_update(of=("self",)).select_related("person").first()
        if link is None:
            raise NotInScope(NOTHING)
        set_password(person=link.person, password=password)
        link.used_at = timezone.now()
        link.save(update_fields=["used_at"])
        record_act(person=link.person, act="link.used", subject=link.person.name)
    return link.person


def _open_links(secret: str) -> QuerySet[SignInLink]:
    return SignInLink.objects.filter(
        secret_sha256=hash_secret(secret),
        used_at=None,
        expires_at__gt=timezone.now(),
        person__is_active=True,
    )


def set_password(*, person: Person, password: str) -> None:
    """Raises `Invalid` for a password that is weak or too long."""
    if len(password) > MAX_PASSWORD_LENGTH or "\x00" in password:
        raise Invalid("The password is too long.", code="weak_password", field="password")
    try:
        validate_password(password, user=person)
    except ValidationError as error:
        text = " ".join(error.messages)
        raise Invalid(text, code="weak_password", field="password") from error
    person.set_password(password)
    person.save(update_fields=["password"])


def hash_secret(secret: str) -> str:
    """SHA-256 in hexadecimal: what is kept of a random secret, which is long enough to need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# ---- signing in ----------------------------------------------------------------------------------


def check_password(*, name: str, password: str, visitor: Visitor) -> Person:
    """The person, when name and password are right.

    Raises `NotSignedIn` with one text for every wrong pair, after the same work; `TooManyRequests` after too
    many failures. Failures count per address and per name at an address, and apart for a browser that has
    signed in as this person before: a stranger who guesses elsewhere never locks the person out.
    """
    buckets = _buckets(name=name, visitor=visitor)
    if any(_failures(bucket) >= limit for bucket, limit in buckets):
        raise TooManyRequests(
            "Too many wrong passwords from here; please wait a quarter of an hour.",
            extra={"retry_after": int(FAILURE_WINDOW.total_seconds())},
        )
    person = _match(name=name, password=password)
    if person is None:
        SignInFailure.objects.bulk_create(SignInFailure(bucket=bucket) for bucket, _ in buckets)
        raise NotSignedIn("Name or password is wrong.", code="wrong_name_or_password")
    SignInFailure.objects.filter(failed_at__lt=timezone.now() - FAILURE_WINDOW).delete()
    return person


def known_browser_token(*, person: Person) -> str:
    """The cookie that tells this browser has signed in as the person before."""
    return signing.dumps(str(person.id), salt=KNOWN_BROWSER_SALT)


def _match(*, name: str, password: str) -> Person | None:
    usable = 0 < len(password) <= MAX_PASSWORD_LENGTH and "\x00" not in name + password
    person = Person.objects.filter(name__iexact=name).first() if usable else None
    if person is None or not person.has_usable_password():
        make_password(password[:MAX_PASSWORD_LENGTH])  # the same time as for a person who exists
        return None
    return person if person.check_password(password) and person.is_active else None


def _buckets(*, name: str, visitor: Visitor) -> list[tuple[str, int]]:
    name_hash = hash_secret(name.lower())[:32]
    person_id = _known_person(visitor.known_browser)
    if person_id is not None:
        person = Person.objects.filter(id=person_id).first()
        if person is not None and person.name.lower() == name.lower():
            browser = hash_secret(visitor.known_browser)[:32]
            return [(f"browser:{browser}", FAILURES_PER_KNOWN_BROWSER)]
    return [
        (f"name:{name_hash}@{visitor.address}"[:100], FAILURES_PER_NAME_AND_ADDRESS),
        (f"address:{visitor.address}"[:100], FAILURES_PER_ADDRESS),
    ]


def _known_person(token: str) -> str | None:
    try:
        return str(signing.loads(token, salt=KNOWN_BROWSER_SALT, max_age=KNOWN_BROWSER_SECONDS))
    except signing.BadSignature:
        return None


def _failures(bucket: str) -> int:
    since = timezone.now() - FAILURE_WINDOW
    return SignInFailure.objects.filter(bucket=bucket, failed_at__gte=since).count()
