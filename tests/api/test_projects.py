"""Projects over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from annotator.models import AuditEntry, Project
from annotator.services.projects import ProjectChanges, change_project
from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("alice", {"Harbour"}),
        ("carol", {"Harbour"}),
        ("mallory", {"Elsewhere"}),
        ("dan", {"Harbour", "Elsewhere"}),
    ],
)
def test_each_person_sees_their_own_projects(browser: Browsers, name: str, seen: set[str]) -> None:
    listed = browser(name).get("projects").json()["projects"]
    assert {one["name"] for one in listed} == seen


def test_whoever_creates_a_project_manages_it(browser: Browsers, cast: Cast) -> None:
    carol = browser("carol")
    made = carol.post(
        "projects", {"name": "Lighthouse", "guidelines": "Every window.\nThen doors."}
    )
    assert made.status_code == 201
    assert carol.get(f"projects/{made.json()['id']}").json()["my_role"] == "manager"
    assert browser("alice").get(f"projects/{made.json()['id']}").status_code == 404


def test_a_name_is_taken_once(browser: Browsers) -> None:
    reply = browser("dan").post("projects", {"name": "Harbour"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "name_taken")


def test_managers_change_their_project(browser: Browsers, cast: Cast) -> None:
    path = f"projects/{cast.project.id}"
    reply = browser("carol").send(
        "PATCH", path, {"overlap_rule": "exclusive", "archived": True, "held_out_percent": 25}
    )
    assert (reply.status_code, reply.json()["held_out_percent"]) == (200, 25)
    project = Project.objects.get(id=cast.project.id)
    assert (project.overlap_rule, project.archived_at is not None) == ("exclusive", True)
    browser("carol").send("PATCH", path, {"archived": False})
    assert Project.objects.get(id=cast.project.id).archived_at is None


def test_two_managers_at_once_do_not_undo_each_other(cast: Cast) -> None:
    first, second = (Project.objects.get(id=cast.project.id) for _ in range(2))
    change_project(project=first, changes=ProjectChanges(guidelines="Boats"), by=cast.carol)
    change_project(project=second, changes=ProjectChanges(archived=True), by=cast.dan)
    project = Project.objects.get(id=cast.project.id)
    assert project.guidelines == "Boats" and project.archived_at is not None


def test_a_long_text_is_not_repeated_in_the_audit_log(cast: Cast) -> None:
    changes = ProjectChanges(guidelines="x" * 500)
    change_project(project=cast.project, changes=changes, by=cast.carol)
    assert AuditEntry.objects.get().detail == {"guidelines": ["", "500 characters"]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "x" * 121}, 422),
        ({"name": "a\u0001b"}, 422),
        ({"name": 7}, 422),
        ({"overlap_rule": "some"}, 422),
        ({"held_out_percent": 51}, 422),
        ({"held_out_percent": -1}, 422),
        ({"held_out_percent": "10"}, 422),
        ({"archived": "yes"}, 422),
        ({"guidelines": "x" * 20001}, 422),
        ({"owner": "mallory"}, 400),
    ],
)
def test_bad_changes_are_refused_whole(
    browser: Browsers, cast: Cast, body: dict[str, object], status: int
) -> None:
    reply = browser("carol").send("PATCH", f"projects/{cast.project.id}", body)
    assert reply.status_code == status, reply.content
    assert Project.objects.get(id=cast.project.id).name == "Harbour"


def test_a_project_is_not_deleted_over_http(browser: Browsers, cast: Cast) -> None:
    assert browser("dan").send("DELETE", f"projects/{cast.project.id}").status_code == 405
