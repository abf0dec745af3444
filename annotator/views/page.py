"""What every page shares: who may see it, the frame around it, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from annotator.errors import NotAllowed, NotInScope
from annotator.models import Person, Project, Role
from annotator.queries.image_copies import num_practice
from annotator.queries.scope import find_managed_project, role_in

View = Callable[..., HttpResponse]
MANAGING = frozenset({"admin", str(Role.MANAGER)})


@dataclass(frozen=True)
class Tab:
    """One entry of the bar at the top."""

    name: str
    label: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Frame:
    """What the frame around a page shows."""

    tabs: list[Tab] = field(default_factory=list)
    role: str = ""
    may_manage: bool = False


def page(view: View) -> View:
    """A page for signed-in people, on an origin where the browser allows what the editor needs."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{query}")
        try:
            return view(request, *args, **kwargs)
        except NotInScope as error:
            raise Http404 from error
        except NotAllowed as error:
            raise PermissionDenied from error

    return on_secure_origin(shown)


def on_secure_origin(view: View) -> View:
    """Plain http to another machine gets a page that says why, never a half-working editor."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_secure_origin(request):
            return view(request, *args, **kwargs)
        return render(request, "insecure_origin.html", {"host": request.get_host()}, status=403)

    return shown


def is_secure_origin(request: HttpRequest) -> bool:
    """What browsers call a secure context: https, or this very machine."""
    host = request.get_host().rsplit(":", 1)[0] if "]" not in request.get_host() else "[::1]"
    return request.is_secure() or host in settings.LOCAL_HOSTS or host.endswith(".localhost")


def signed_in_person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)
    return request.user


def managed_project(request: HttpRequest, project_id: UUID) -> Project:
    """The project, if the person manages it; else `NotInScope` or `NotAllowed`."""
    return find_managed_project(person=signed_in_person(request), project_id=project_id)


def render_page(
    request: HttpRequest,
    template: str,
    *,
    current: str = "",
    project: Project | None = None,
    status: int = 200,
    **context: object,
) -> HttpResponse:
    """Renders a template in the frame; `current` names the tab the page belongs to."""
    person = signed_in_person(request)
    role = (role_in(person=person, project=project) or "") if project else ""
    may_manage = role in MANAGING
    tabs = _project_tabs(project, may_manage) if project else _general_tabs(person)
    marked = [Tab(tab.name, tab.label, tab.url, tab.name == current) for tab in tabs]
    frame = Frame(tabs=marked, role=role, may_manage=may_manage)
    return render(request, template, {"page": frame, "project": project, **context}, status=status)


def _general_tabs(person: Person) -> list[Tab]:
    tabs = [Tab("projects", "Projects", "/")]
    if person.is_admin:
        tabs += [Tab("models", "Models", "/models"), Tab("system", "System", "/system")]
    return tabs


def _project_tabs(project: Project, may_manage: bool) -> list[Tab]:
    base = f"/projects/{project.id}"
    tabs = [Tab("annotate", "Annotate", f"{base}/annotate")]
    if num_practice([project]):
        tabs.append(Tab("practice", "Practice", f"{base}/practice"))
    if may_manage:
        tabs += [
            Tab("images", "Images", f"{base}/images"),
            Tab("review", "Review", f"{base}/review"),
            Tab("quality", "Quality", f"{base}/quality"),
            Tab("dashboard", "Dashboard", f"{base}/dashboard"),
            Tab("statistics", "Statistics", f"{base}/statistics"),
            Tab("rounds", "Rounds", f"{base}/rounds"),
            Tab("members", "Members", f"{base}/members"),
        ]
    tabs.append(Tab("guidelines", "Guidelines", f"{base}/guidelines"))
    if project.shows_reference_scores and not may_manage:  # who manages has the Quality page
        tabs.append(Tab("my-scores", "My scores", f"{base}/my-scores"))
    return tabs
