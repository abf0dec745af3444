"""The audit log: who did what, for admins, by person, project and kind of act."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from annotator.models import AuditEntry
from annotator.queries.audit import ActFilter, acts, kinds_of_acts
from annotator.queries.people import all_people
from annotator.queries.scope import require_admin, visible_projects
from annotator.views.page import page, render_page, signed_in_person

ACTS_SHOWN = 100
WORDS_SHOWN = 5


@require_safe
@page
def audit_log(request: HttpRequest) -> HttpResponse:
    """What is no id or number in the address counts as not asked for."""
    admin = signed_in_person(request)
    require_admin(admin)
    chosen = {name: request.GET.get(name, "")[:64] for name in ("person", "project", "act")}
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdigit()
    wanted = ActFilter(
        person=_id(chosen["person"]),
        project=_id(chosen["project"]),
        act=chosen["act"].replace("\x00", ""),
        before=int(before[:9]) if is_number else None,
    )
    found = list(acts(wanted)[: ACTS_SHOWN + 1])
    shown = found[:ACTS_SHOWN]
    older = ""
    if len(found) > ACTS_SHOWN:
        older = urlencode({**{k: v for k, v in chosen.items() if v}, "before": shown[-1].pk})
    return render_page(
        request,
        "audit_log.html",
        current="system",
        acts=[(entry, _details(entry)) for entry in shown],
        older=older,
        is_first=wanted.before is None,
        chosen=chosen,
        people=all_people(),
        projects=visible_projects(admin),
        kinds=kinds_of_acts(),
    )


def _details(entry: AuditEntry) -> list[tuple[str, str]]:
    """Names and words of what is kept with an act; of a change "before → after"."""
    is_change = entry.act.startswith("project.")
    return [
        (
            name,
            " → ".join(_words(one) for one in value)
            if is_change and isinstance(value, list)
            else _words(value),
        )
        for name, value in entry.detail.items()
    ]


def _words(value: object) -> str:
    """Of a list, and of what is kept by id, the first few."""
    if value in (None, ""):
        return "nothing"
    if isinstance(value, dict):
        return _words(sorted(value.values()))
    if isinstance(value, list):
        more = [f"and {len(value) - WORDS_SHOWN:,} more"] * (len(value) > WORDS_SHOWN)
        return ", ".join([_words(one) for one in value[:WORDS_SHOWN]] + more)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _id(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
