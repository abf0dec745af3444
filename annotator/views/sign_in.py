"""Signing in and out, and the one-time links by which people set their password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from annotator.errors import DomainError, Invalid, NotInScope
from annotator.models import Invitation, Person
from annotator.services.invitations import find_invitation, join, join_as_new
from annotator.services.people import (
    KNOWN_BROWSER_SECONDS,
    Visitor,
    check_password,
    consume_link,
    find_link_person,
    known_browser_token,
)
from annotator.views.page import on_secure_origin

KNOWN_BROWSER_COOKIE = "known_browser"


@never_cache
@on_secure_origin
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, and what it sends: a wrong pair gets one text, whatever was wrong."""
    destination = _safe_destination(request)
    if request.user.is_authenticated and request.method != "POST":
        return HttpResponseRedirect(destination)
    if request.method != "POST":
        return _sign_in_form(request, destination)
    name = request.POST.get("name", "").strip()
    try:
        person = check_password(
            name=name, password=request.POST.get("password", ""), visitor=_visitor(request)
        )
    except DomainError as error:
        return _sign_in_form(request, destination, fault=error, name=name)
    return _signed_in(request, person, destination)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect(settings.LOGIN_URL)


@never_cache
@on_secure_origin
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "HEAD", "POST"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """Looking at a link (as mail programs do) never uses it up; sending the form does."""
    try:
        person = find_link_person(secret=token)
        if request.method != "POST":
            return render(request, "link.html", {"person": person})
        person = consume_link(secret=token, password=_written_password(request))
    except NotInScope:
        return render(request, "link_ended.html", status=404)
    except Invalid as error:
        context = {"person": person, "fault": error.message, "faulty": error.field}
        return render(request, "link.html", context, status=error.status)
    return _signed_in(request, person, "/")


@never_cache
@on_secure_origin
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "HEAD", "POST"])
def use_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Looking never uses it up. Who is signed in joins as they are; others choose a name and a password."""
    try:
        invitation = find_invitation(secret=token)
        if request.method != "POST":
            return _invited(request, invitation)
        if isinstance(request.user, Person):
            project = join(secret=token, person=request.user)
            return HttpResponseRedirect(f"/projects/{project.id}/guidelines")
        person = join_as_new(
            secret=token,
            name=request.POST.get("name", "").strip(),
            display_name=" ".join(request.POST.get("display_name", "").split())[:120],
            password=_written_password(request),
        )
    except NotInScope:
        return render(request, "invitation_ended.html", status=404)
    except DomainError as error:
        return _invited(request, invitation, fault=error)
    return _signed_in(request, person, f"/projects/{invitation.project_id}/guidelines")


def _invited(
    request: HttpRequest, invitation: Invitation, *, fault: DomainError | None = None
) -> HttpResponse:
    context = {
        "invitation": invitation,
        "fault": fault.message if fault else "",
        "faulty": fault.field if fault else "",
        "name": request.POST.get("name", ""),
        "display_name": request.POST.get("display_name", ""),
    }
    return render(request, "invitation.html", context, status=fault.status if fault else 200)


def _written_password(request: HttpRequest) -> str:
    password = request.POST.get("password", "")
    if password != request.POST.get("repeated", ""):
        raise Invalid("The two passwords differ.", code="passwords_differ", field="repeated")
    return password


def _signed_in(request: HttpRequest, person: Person, destination: str) -> HttpResponse:
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    response = HttpResponseRedirect(destination)
    response.set_cookie(
        KNOWN_BROWSER_COOKIE,
        known_browser_token(person=person),
        max_age=KNOWN_BROWSER_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path="/sign-in",
    )
    return response


def _sign_in_form(
    request: HttpRequest, destination: str, *, fault: DomainError | None = None, name: str = ""
) -> HttpResponse:
    context = {"destination": destination, "fault": fault.message if fault else "", "name": name}
    response = render(request, "sign_in.html", context, status=fault.status if fault else 200)
    if fault is not None and "retry_after" in fault.extra:
        response.headers["Retry-After"] = str(fault.extra["retry_after"])
    return response


def _safe_destination(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"


def _visitor(request: HttpRequest) -> Visitor:
    # Behind a proxy the last entry is the one our own proxy wrote; earlier ones anybody can invent.
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    address = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    return Visitor(
        address=address[:60], known_browser=request.COOKIES.get(KNOWN_BROWSER_COOKIE, "")
    )
