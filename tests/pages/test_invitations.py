"""Invitations: a link that lets one person into one project, once."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from annotator.errors import NotInScope
from annotator.models import AuditEntry, Invitation, Membership, Person, Role
from annotator.services.invitations import join, make_invitation
from tests.cast import Cast
from tests.pages.conftest import Visitors

PASSWORD = "eleven green herons"
ERIN = {"name": "erin", "display_name": "Erin", "password": PASSWORD, "repeated": PASSWORD}


@pytest.fixture
def path(cast: Cast) -> str:
    """An open invitation of Carol's to annotate the project."""
    _, secret = make_invitation(
        project=cast.project, role=Role.ANNOTATOR, by=cast.carol, label="the new student"
    )
    return f"/invite/{secret}"


def test_a_manager_makes_a_link_that_is_shown_once(visitor: Visitors, cast: Cast) -> None:
    carol, base = visitor("carol"), f"/projects/{cast.project.id}"
    made = carol.post(f"{base}/invitations", {"role": "manager", "label": "Erin <i>"})
    url = re.search(r'value="(http[^"]+/invite/[^"]+)"', made.text)
    assert url is not None and "no-store" in made.headers["Cache-Control"]
    shown = carol.get(f"{base}/members").text
    assert "Erin &lt;i&gt;" in shown and "/invite/" not in shown
    assert "Join Harbour" in visitor("nobody").get(urlsplit(url[1]).path).text
    assert urlsplit(url[1]).path.split("/")[-1] not in str(vars(Invitation.objects.get()))


def test_somebody_new_chooses_a_name_and_is_in(visitor: Visitors, cast: Cast, path: str) -> None:
    newcomer = visitor("nobody")
    for _ in range(2):  # looking, as mail programs do, uses nothing up
        assert newcomer.get(path).status_code == 200
    reply = newcomer.post(path, ERIN)
    assert (reply.status_code, reply["Location"]) == (
        302,
        f"/projects/{cast.project.id}/guidelines",
    )
    assert newcomer.get(reply["Location"]).status_code == 200
    erin = Person.objects.get(name="erin")
    assert erin.check_password(PASSWORD) and not erin.is_admin
    assert Membership.objects.get(person=erin).role == Role.ANNOTATOR
    acts = AuditEntry.objects.order_by("id").values_list("act", "person__name")
    assert list(acts) == [
        ("invitation.made", "carol"),
        ("person.created", "carol"),
        ("member.role_set", "carol"),
        ("invitation.used", "erin"),
    ]


def test_it_works_once(visitor: Visitors, cast: Cast, path: str) -> None:
    visitor("nobody").post(path, ERIN)
    again = visitor("nobody")
    assert again.get(path).status_code == 404
    assert again.post(path, {**ERIN, "name": "frank"}).status_code == 404
    with pytest.raises(NotInScope):
        join(secret=path.rpartition("/")[2], person=cast.mallory)
    assert not Person.objects.filter(name="frank").exists()


def test_who_is_signed_in_joins_as_who_they_are(visitor: Visitors, cast: Cast, path: str) -> None:
    mallory = visitor("mallory")
    assert "Join as Mallory" in mallory.get(path).text
    assert mallory.post(path, ERIN).status_code == 302
    assert Membership.objects.get(project=cast.project, person=cast.mallory).role == "annotator"
    assert not Person.objects.filter(name="erin").exists()


def test_a_member_does_not_use_it_up_nor_lose_a_role(
    visitor: Visitors, cast: Cast, path: str
) -> None:
    reply = visitor("carol").post(path)
    assert reply.status_code == 409 and "You belong to this project already" in reply.text
    assert Membership.objects.get(project=cast.project, person=cast.carol).role == Role.MANAGER
    assert visitor("nobody").get(path).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "ALICE"}, 409),
        ({"name": "two words"}, 422),
        ({"password": "short", "repeated": "short"}, 422),
        ({"repeated": "another one"}, 422),
        ({"name": "nul\x00"}, 422),
    ],
)
def test_what_cannot_be_leaves_nothing_behind(
    visitor: Visitors, cast: Cast, path: str, changes: dict[str, str], status: int
) -> None:
    newcomer = visitor("nobody")
    reply = newcomer.post(path, {**ERIN, **changes})
    assert reply.status_code == status and 'role="alert"' in reply.text
    assert PASSWORD not in reply.text
    assert (Person.objects.count(), Membership.objects.count()) == (5, 4)
    assert newcomer.post(path, ERIN).status_code == 302


@pytest.mark.parametrize("end", ["expired", "revoked", "demoted", "deactivated"])
def test_invitations_end(visitor: Visitors, cast: Cast, path: str, end: str) -> None:
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        base = f"/projects/{cast.project.id}/invitations/{Invitation.objects.get().id}/revoke"
        for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302), ("carol", 302)):
            assert visitor(who).post(base).status_code == status
    elif end == "demoted":
        Membership.objects.filter(person=cast.carol).update(role=Role.ANNOTATOR)
    else:
        Person.objects.filter(name="carol").update(is_active=False)
    ended = visitor("nobody").post(path, ERIN)
    unknown = visitor("nobody").get("/invite/no-such-secret")
    assert ended.status_code == unknown.status_code == 404
    assert "This invitation no longer works" in ended.text
    assert not Person.objects.filter(name="erin").exists()


def test_only_managers_invite(visitor: Visitors, cast: Cast) -> None:
    path, fields = f"/projects/{cast.project.id}/invitations", {"role": "annotator"}
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302)):
        assert visitor(who).post(path, fields).status_code == status
    assert visitor("carol").post(path, {"role": "admin"}).status_code == 422
    assert visitor("carol").post(path, {**fields, "label": "x" * 121}).status_code == 422
    assert not Invitation.objects.exists()


def test_another_site_cannot_make_somebody_join(cast: Cast, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.mallory)
    assert client.post(path).status_code == 403
