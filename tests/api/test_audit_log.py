"""The audit log over HTTP and on its page: filters, pages, and nothing for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from annotator.models import OverlapRule
from annotator.services.audit import record_act
from annotator.services.projects import ProjectChanges, change_project
from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]


@pytest.fixture
def log(cast: Cast) -> None:
    """Six acts, of three kinds, of two people and the server."""
    for number in range(2):
        record_act(person=cast.carol, project=cast.project, act="token.made", subject=f"{number}")
        record_act(person=cast.dan, act="person.created", subject=f"<b>{number}</b>")
        record_act(person=None, project=cast.elsewhere, act="tokenless", detail={"n": number})


@pytest.mark.usefixtures("log")
def test_acts_are_told_newest_first_page_by_page(browser: Browsers, cast: Cast) -> None:
    dan = browser("dan")
    first = dan.get("audit-log?limit=4").json()
    assert [one["act"] for one in first["acts"][:3]] == [
        "tokenless",
        "person.created",
        "token.made",
    ]
    assert first["acts"][0]["name"] == "" and first["acts"][0]["detail"] == {"n": 1}
    assert first["acts"][2]["person"] == str(cast.carol.id)
    rest = dan.get(f"audit-log?limit=4&before={first['next_before']}").json()
    assert (len(rest["acts"]), rest["next_before"]) == (2, None)
    ids = [one["id"] for one in first["acts"] + rest["acts"]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 6


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("query", "num_acts"),
    [
        ("person={carol}", 2),
        ("project={elsewhere}", 2),
        ("act=token", 2),
        ("act=token.made", 2),
        ("act=tok", 0),
        ("act=person&person={carol}", 0),
    ],
)
def test_filters(browser: Browsers, cast: Cast, query: str, num_acts: int) -> None:
    words = query.format(carol=cast.carol.id, elsewhere=cast.elsewhere.id)
    assert len(browser("dan").get(f"audit-log?{words}").json()["acts"]) == num_acts


@pytest.mark.parametrize("query", ["person=carol", "before=-1", "before=x", "who=carol", "act=%00"])
def test_filters_that_cannot_be_are_refused(browser: Browsers, query: str) -> None:
    assert browser("dan").get(f"audit-log?{query}").status_code == 400


@pytest.mark.usefixtures("log")
def test_the_page_shows_them_to_admins_only(cast: Cast) -> None:
    dan, carol = Client(), Client(raise_request_exception=False)
    dan.force_login(cast.dan)
    carol.force_login(cast.carol)
    shown = dan.get("/system/audit-log", {"person": str(cast.dan.id)}).content.decode()
    assert "&lt;b&gt;1&lt;/b&gt;" in shown and "<td>the server</td>" not in shown
    changes = ProjectChanges(overlap_rule=OverlapRule.EXCLUSIVE, guidelines="<i>Boats</i>")
    change_project(project=cast.project, changes=changes, by=cast.carol)
    changed = dan.get("/system/audit-log?act=project").content.decode()
    assert "allowed → exclusive" in changed and "nothing → &lt;i&gt;Boats&lt;/i&gt;" in changed
    detail = {"images": {f"id-{place}": f"pier-{place:04}.png" for place in range(1203)}}
    record_act(person=cast.carol, project=cast.project, act="image.practice", detail=detail)
    many = dan.get("/system/audit-log?act=image").content.decode()
    assert "pier-0003.png, pier-0004.png, and 1,198 more" in many and "pier-0005.png" not in many
    assert "Nothing of that kind" in dan.get("/system/audit-log?before=0").content.decode()
    for odd in ("person=x", "before=x", "act=%00", "project=%F0"):
        assert dan.get(f"/system/audit-log?{odd}").status_code == 200
    assert carol.get("/system/audit-log").status_code == 403
