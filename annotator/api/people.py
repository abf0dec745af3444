"""Me, signing in and out for scripts, people and their one-time links."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout
from django.middleware.csrf import get_token
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictBoolean, Text
from annotator.models import Person, Role, TokenScope
from annotator.queries.people import all_people, find_person, find_person_by_name, members_of
from annotator.queries.scope import find_managed_project, memberships_of, require_admin
from annotator.services.people import (
    KNOWN_BROWSER_SECONDS,
    Visitor,
    check_password,
    create_person,
    known_browser_token,
    make_sign_in_link,
    remove_member,
    set_person_active,
    set_role,
)

KNOWN_BROWSER_COOKIE = "known_browser"


class MembershipReply(serializers.Serializer[object]):
    project = serializers.UUIDField()
    role = serializers.ChoiceField(Role.choices)


class MeReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField()
    is_admin = serializers.BooleanField()
    memberships = MembershipReply(many=True)


class SignInBody(StrictSerializer):
    name = Text(max_length=80)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class PersonBody(StrictSerializer):
    name = Text(max_length=80)
    display_name = Text(max_length=120, required=False, allow_blank=True, default="")
    is_admin = StrictBoolean(default=False)


class PersonReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField()
    is_admin = serializers.BooleanField()


class AccountReply(PersonReply):
    is_active = serializers.BooleanField()


class PeopleReply(serializers.Serializer[object]):
    people = AccountReply(many=True)


class PersonChangesBody(StrictSerializer):
    is_active = StrictBoolean()


class LinkReply(serializers.Serializer[object]):
    url = serializers.URLField()


class MemberBody(StrictSerializer):
    name = Text(max_length=80)
    role = serializers.ChoiceField(Role.choices)


class MemberReply(PersonReply):
    role = serializers.ChoiceField(Role.choices)


class MembersReply(serializers.Serializer[object]):
    members = MemberReply(many=True)


def describe_person(person: Person) -> dict[str, object]:
    return {
        "id": str(person.id),
        "name": person.name,
        "display_name": person.display_name,
        "is_admin": person.is_admin,
    }


def describe_account(person: Person) -> dict[str, object]:
    return {**describe_person(person), "is_active": person.is_active}


def describe_me(person: Person) -> dict[str, object]:
    memberships = [
        {"project": str(one.project_id), "role": one.role} for one in memberships_of(person)
    ]
    return {**describe_person(person), "memberships": memberships}


class Me(Endpoint):
    """Who is signed in, with the roles in projects."""

    @extend_schema(responses=MeReply)
    def get(self, request: Request) -> Response:
        get_token(request)  # makes sure that the page holds a CSRF cookie
        return Response(describe_me(self.person))


class Session(Endpoint):
    """Signing in with name and password, and signing out."""

    permission_classes = [AllowAny]

    @extend_schema(request=SignInBody, responses=MeReply)
    def post(self, request: Request) -> Response:
        # DRF asks for the token only of people who are signed in; signing in needs it too.
        SessionAuthentication().enforce_csrf(request)
        body = self.read(SignInBody)
        known_browser = request.COOKIES.get(KNOWN_BROWSER_COOKIE, "")
        visitor = Visitor(request.META.get("REMOTE_ADDR", ""), known_browser)
        person = check_password(name=body["name"], password=body["password"], visitor=visitor)
        login(request._request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        response = Response(describe_me(person))
        response.set_cookie(
            KNOWN_BROWSER_COOKIE,
            known_browser_token(person=person),
            max_age=KNOWN_BROWSER_SECONDS,
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
        return response

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=204)


class People(Endpoint):
    """All people (admins)."""

    filters = frozenset({"offset", "limit"})

    @extend_schema(responses=PeopleReply)
    def get(self, request: Request) -> Response:
        require_admin(self.person)
        offset, limit = self.page()
        people = all_people()[offset : offset + limit]
        return Response({"people": [describe_account(person) for person in people]})

    @extend_schema(request=PersonBody, responses={201: AccountReply})
    def post(self, request: Request) -> Response:
        require_admin(self.person)
        person = create_person(by=self.person, **self.read(PersonBody))
        return Response(describe_account(person), status=201)


class OnePerson(Endpoint):
    """Shuts somebody out, at once and everywhere, or lets them in again (admins)."""

    @extend_schema(request=PersonChangesBody, responses=AccountReply)
    def patch(self, request: Request, person_id: UUID) -> Response:
        require_admin(self.person)
        person = find_person(person_id)
        is_active = self.read(PersonChangesBody)["is_active"]
        set_person_active(person=person, is_active=is_active, by=self.person)
        return Response(describe_account(find_person(person_id)))


class PersonLink(Endpoint):
    """A new one-time link for a person (admins); the link before stops working."""

    @extend_schema(request=None, responses={201: LinkReply})
    def post(self, request: Request, person_id: UUID) -> Response:
        require_admin(self.person)
        person = find_person(person_id)
        secret = make_sign_in_link(person=person, by=self.person)
        return Response({"url": request.build_absolute_uri(f"/link/{secret}")}, status=201)


class Members(Endpoint):
    """The people of a project with their roles; managers add and change them."""

    write_scope = TokenScope.MANAGE

    @extend_schema(responses=MembersReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        members = [
            {**describe_person(member.person), "role": member.role}
            for member in members_of(project)
        ]
        return Response({"members": members})

    @extend_schema(request=MemberBody, responses={200: MemberReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        body = self.read(MemberBody)
        person = find_person_by_name(body["name"])
        set_role(project=project, person=person, role=Role(body["role"]), by=self.person)
        return Response({**describe_person(person), "role": body["role"]})


class Member(Endpoint):
    """One membership."""

    write_scope = TokenScope.MANAGE

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, project_id: UUID, person_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        remove_member(project=project, person=find_person(person_id), by=self.person)
        return Response(status=204)


urls: list[URLPattern] = [
    path("me", Me.as_view(), name="me"),
    path("session", Session.as_view(), name="session"),
    path("people", People.as_view(), name="people"),
    path("people/<uuid:person_id>", OnePerson.as_view(), name="person"),
    path("people/<uuid:person_id>/sign-in-link", PersonLink.as_view(), name="person-link"),
    path("projects/<uuid:project_id>/members", Members.as_view(), name="members"),
    path("projects/<uuid:project_id>/members/<uuid:person_id>", Member.as_view(), name="member"),
]
