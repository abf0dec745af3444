"""A person's own page: API tokens for their scripts."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotator.errors import DomainError
from annotator.models import ApiToken, TokenScope
from annotator.queries.tokens import find_own_token, scopes_for, tokens_of
from annotator.services.tokens import (
    DEFAULT_TOKEN_DAYS,
    MAX_TOKEN_DAYS,
    MAX_TOKEN_NAME,
    create_token,
    revoke_token,
)
from annotator.views.page import page, render_page, signed_in_person

SCOPE_WORDS = {
    TokenScope.READ: "everything that you may see",
    TokenScope.ANNOTATE: "take images, save and submit masks",
    TokenScope.MANAGE: "change projects that you manage: images, members, reviews, exports",
    TokenScope.ADMIN: "start rounds, promote models, add people",
}


@require_safe
@page
def account(request: HttpRequest) -> HttpResponse:
    return _account(request)


@never_cache
@require_POST
@page
def make_token(request: HttpRequest) -> HttpResponse:
    """Makes a token; its secret is on this answer and nowhere else."""
    person = signed_in_person(request)
    days = request.POST.get("days", "")
    is_whole = days.isascii() and days.isdigit()
    try:
        token, secret = create_token(
            person=person,
            name=request.POST.get("name", ""),
            scopes=request.POST.getlist("scope"),
            days=int(days[:9]) if is_whole else 0,
            by=person,
        )
    except DomainError as error:
        return _account(request, fault=error)
    return _account(request, new_token=token, secret=secret)


@require_POST
@page
def drop_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    person = signed_in_person(request)
    revoke_token(token=find_own_token(person=person, token_id=token_id), by=person)
    return HttpResponseRedirect("/account")


def _account(
    request: HttpRequest,
    *,
    fault: DomainError | None = None,
    new_token: ApiToken | None = None,
    secret: str = "",
) -> HttpResponse:
    """What was written stays in the form when it was refused."""
    person = signed_in_person(request)
    written = request.POST if fault else None
    return render_page(
        request,
        "account.html",
        status=fault.status if fault else 200,
        fault=fault.message if fault else "",
        tokens=tokens_of(person),
        new_token=new_token,
        secret=secret,
        scopes=[(scope.value, SCOPE_WORDS[scope]) for scope in scopes_for(person)],
        chosen=written.getlist("scope") if written else [],
        name=written.get("name", "") if written else "",
        days=(written.get("days") if written else "") or DEFAULT_TOKEN_DAYS,
        max_days=MAX_TOKEN_DAYS,
        max_name=MAX_TOKEN_NAME,
        now=timezone.now(),
    )
