"""Every page: who sees it, who does not, and that it carries no script or style of its own."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotator.models import Assignment, AssignmentState, AuditEntry, Membership, Project
from annotator.services.assignments import lease_next
from annotator.services.image_changes import ImageChanges, change_image
from tests import pictures
from tests.cast import Cast, lend, make_embedding, make_image, make_model
from tests.pages.conftest import Visitors

MANAGED = [
    "images",
    "review",
    "quality",
    "dashboard",
    "statistics",
    "rounds",
    "settings",
    "members",
]
PROJECT_PAGES = [*MANAGED, "guidelines", "annotate"]


@pytest.mark.parametrize("name", PROJECT_PAGES)
def test_each_role_sees_the_pages_of_a_project_that_are_theirs(
    visitor: Visitors, cast: Cast, name: str
) -> None:
    path = f"/projects/{cast.project.id}/{name}"
    statuses = {who: visitor(who).get(path).status_code for who in ("alice", "carol", "dan")}
    assert statuses == {"alice": 403 if name in MANAGED else 200, "carol": 200, "dan": 200}
    assert visitor("mallory").get(path).status_code == 404
    assert visitor("nobody").get(path).status_code == 302


@pytest.mark.parametrize("name", PROJECT_PAGES)
def test_a_page_of_no_project_looks_like_one_of_somebody_elses(
    visitor: Visitors, cast: Cast, name: str
) -> None:
    unknown = f"/projects/00000000-0000-4000-8000-000000000000/{name}"
    foreign = f"/projects/{cast.elsewhere.id}/{name}"
    client = visitor("carol")
    assert client.get(unknown).status_code == client.get(foreign).status_code == 404


@pytest.mark.parametrize("path", ["/models", "/system"])
def test_the_pages_of_admins_are_for_admins(visitor: Visitors, path: str) -> None:
    statuses = {who: visitor(who).get(path).status_code for who in ("alice", "carol", "dan")}
    assert statuses == {"alice": 403, "carol": 403, "dan": 200}
    assert visitor("nobody").get(path).status_code == 302
    assert visitor("dan").put(path).status_code == 405


@pytest.mark.parametrize(
    "path", ["/", "/account", "/models", "/system", "/sign-in", *PROJECT_PAGES]
)
def test_no_page_carries_inline_script_or_style(visitor: Visitors, cast: Cast, path: str) -> None:
    place = path if path.startswith("/") else f"/projects/{cast.project.id}/{path}"
    reply = visitor("nobody" if path == "/sign-in" else "dan").get(place)
    assert reply.status_code == 200
    scripts = re.findall(r"<script\b([^>]*)>", reply.text)
    assert all("src=" in script or "importmap" in script for script in scripts)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=", reply.text)
    policy = reply["Content-Security-Policy"]
    nonces = {nonce for script in scripts for nonce in re.findall(r'nonce="([^"]+)"', script)}
    assert all(f"'nonce-{nonce}'" in policy for nonce in nonces)
    assert "unsafe-inline" not in policy


def test_errors_are_pages_in_the_design(visitor: Visitors, cast: Cast) -> None:
    missing = visitor("alice").get("/nowhere")
    assert (missing.status_code, "Nothing here" in missing.text) == (404, True)
    refused = visitor("alice").get("/system")
    assert (refused.status_code, "Not allowed" in refused.text) == (403, True)
    assert "css/base.css" in missing.text


# ---- the projects page ---------------------------------------------------------------------------


def test_an_annotator_finds_one_big_way_to_start(visitor: Visitors, cast: Cast) -> None:
    model = make_model()
    for _ in range(2):
        make_embedding(make_image(cast.project), model)
    shown = visitor("alice").get("/").text
    assert "2 images ready for you" in shown
    assert f'href="/projects/{cast.project.id}/annotate">Start annotating' in shown
    lend(cast.alice, cast.project)
    shown = visitor("alice").get("/").text
    assert "Pick up where you left off" in shown and "A reviewer sent" not in shown
    Assignment.objects.update(state=AssignmentState.RETURNED)
    assert "1 image lent to you, 1 more ready. A reviewer sent 1 back to you" in (
        visitor("alice").get("/").text
    )
    assert "1 image ready for you" in visitor("bob").get("/").text


def test_the_projects_page_shows_only_what_is_in_scope(visitor: Visitors, cast: Cast) -> None:
    assert "Elsewhere" not in visitor("carol").get("/").text
    assert "Harbour" not in visitor("mallory").get("/").text
    both = visitor("dan").get("/").text
    assert "Elsewhere" in both
    assert "Harbour" in both


def test_a_manager_creates_a_project_and_manages_it(visitor: Visitors, cast: Cast) -> None:
    reply = visitor("carol").post(
        "/projects/new", {"name": "  Light  house ", "overlap_rule": "exclusive"}
    )
    project = Project.objects.get(name="Light house")
    assert reply["Location"] == f"/projects/{project.id}/images"
    assert project.overlap_rule == "exclusive"
    assert Membership.objects.get(project=project).person == cast.carol
    assert visitor("alice").post("/projects/new", {"name": "Mine"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"name": "Harbour"}, 409), ({"name": " "}, 422), ({"name": "x", "overlap_rule": "?"}, 422)],
)
def test_a_project_that_cannot_be_is_refused_with_its_reason(
    visitor: Visitors, fields: dict[str, str], status: int
) -> None:
    reply = visitor("carol").post("/projects/new", fields)
    assert reply.status_code == status
    assert 'class="fault"' in reply.text
    assert Project.objects.count() == 2


def test_managers_set_the_share_that_is_kept_for_scoring(visitor: Visitors, cast: Cast) -> None:
    path = f"/projects/{cast.project.id}/images/hold-out"
    assert visitor("carol").post(path, {"held_out_percent": "25"}).status_code == 302
    assert 'value="25"' in visitor("carol").get(f"/projects/{cast.project.id}/images").text
    for word in ("51", "-1", "", "a lot"):
        assert visitor("carol").post(path, {"held_out_percent": word}).status_code == 422
    assert visitor("alice").post(path, {"held_out_percent": "0"}).status_code == 403
    assert visitor("mallory").post(path, {"held_out_percent": "0"}).status_code == 404
    assert Project.objects.get(id=cast.project.id).held_out_percent == 25


def test_managers_change_the_settings_of_their_project(visitor: Visitors, cast: Cast) -> None:
    path = f"/projects/{cast.project.id}/settings"
    fields = {"name": " The  quay ", "overlap_rule": "exclusive"}
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302), ("carol", 302)):
        assert visitor(who).post(path, fields).status_code == status
    project = Project.objects.get(id=cast.project.id)
    assert (project.name, project.overlap_rule) == ("The quay", "exclusive")
    taken = visitor("carol").post(path, {**fields, "name": "Elsewhere"})
    assert taken.status_code == 409 and 'value="Elsewhere"' in taken.text
    assert visitor("carol").post(path, {**fields, "overlap_rule": "?"}).status_code == 422
    entry = AuditEntry.objects.get(act="project.changed")
    assert entry.detail == {
        "name": ["Harbour", "The quay"],
        "overlap_rule": ["allowed", "exclusive"],
    }


def test_an_archived_project_lends_no_images_and_can_be_taken_up_again(
    visitor: Visitors, cast: Cast
) -> None:
    make_embedding(make_image(cast.project), make_model())
    carol, path = visitor("carol"), f"/projects/{cast.project.id}/archive"
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302)):
        assert visitor(who).post(path, {"archived": "yes"}).status_code == status
    assert carol.post(path, {"archived": "yes"}).status_code == 302
    home = carol.get("/").text
    assert "1 archived project" in home and f'/projects/{cast.project.id}/settings"' in home
    assert f'/projects/{cast.project.id}/annotate"' not in home
    assert "settings" not in visitor("alice").get("/").text.split("archived project")[1]
    assert lease_next(person=cast.alice, project=cast.project) == []
    assert carol.get(f"/projects/{cast.project.id}/images").status_code == 200
    assert carol.post(path, {"archived": "no"}).status_code == 302
    assert "archived project" not in carol.get("/").text
    assert len(lease_next(person=cast.alice, project=cast.project)) == 1
    acts = AuditEntry.objects.order_by("id").values_list("act", flat=True)
    assert list(acts) == ["project.archived", "project.reopened"]


# ---- guidelines and members ----------------------------------------------------------------------


def test_managers_write_guidelines_and_annotators_read_them(visitor: Visitors, cast: Cast) -> None:
    path = f"/projects/{cast.project.id}/guidelines"
    text = "Mask <b>every</b> boat.\r\n\r\nThen the quay."
    assert visitor("carol").post(path, {"guidelines": text}).status_code == 302
    shown = visitor("alice").get(path).text
    assert "<p>Mask &lt;b&gt;every&lt;/b&gt; boat.</p>" in shown
    assert visitor("alice").post(path, {"guidelines": "Nothing."}).status_code == 403
    assert visitor("mallory").post(path, {"guidelines": "Nothing."}).status_code == 404
    assert visitor("carol").post(path, {"guidelines": "x" * 20001}).status_code == 422
    assert Project.objects.get(id=cast.project.id).guidelines.endswith("\n\nThen the quay.")


def test_pictures_come_with_the_text_that_shows_them(visitor: Visitors, cast: Cast) -> None:
    carol, path = visitor("carol"), f"/projects/{cast.project.id}/guidelines"
    files = [
        SimpleUploadedFile(name, content)
        for name, content in (("quay.png", pictures.png()), ("notes.txt", b"no picture"))
    ]
    saved = carol.post(path, {"guidelines": "Boats", "files": files})
    assert saved.status_code == 422 and "The text is saved. notes.txt:" in saved.text
    assert Project.objects.get(id=cast.project.id).guidelines == "Boats\n\n![quay](quay.png)"
    address = re.search(r'<img src="([^"]+)" alt="quay"', visitor("alice").get(path).text)
    assert address is not None and visitor("alice").get(address[1]).status_code == 200
    remove = f"{path}/pictures/{address[1].rpartition('/')[2]}/remove"
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302), ("carol", 302)):
        assert visitor(who).post(remove).status_code == status
    assert "<img src" not in re.sub(r"(?s)<header.*?</header>", "", carol.get(path).text)


def test_managers_add_change_and_remove_members(visitor: Visitors, cast: Cast) -> None:
    carol, path = visitor("carol"), f"/projects/{cast.project.id}/members"
    carol.post(f"{path}/add", {"name": "Mallory", "role": "annotator"})
    assert Membership.objects.get(project=cast.project, person=cast.mallory).role == "annotator"
    carol.post(f"{path}/add", {"name": "mallory", "role": "manager"})
    assert Membership.objects.get(project=cast.project, person=cast.mallory).role == "manager"
    carol.post(f"{path}/{cast.mallory.id}/remove")
    assert not Membership.objects.filter(project=cast.project, person=cast.mallory).exists()
    assert visitor("mallory").get(f"/projects/{cast.project.id}/images").status_code == 404


@pytest.mark.parametrize(
    "fields", [{"name": "nobody", "role": "annotator"}, {"name": "mallory", "role": "admin"}]
)
def test_an_unknown_person_or_role_is_refused(
    visitor: Visitors, cast: Cast, fields: dict[str, str]
) -> None:
    reply = visitor("carol").post(f"/projects/{cast.project.id}/members/add", fields)
    assert reply.status_code == 422
    assert Membership.objects.filter(project=cast.project).count() == 3


def test_members_change_nothing_outside_their_role(visitor: Visitors, cast: Cast) -> None:
    path = f"/projects/{cast.project.id}/members"
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302)):
        assert visitor(who).post(f"{path}/{cast.bob.id}/remove").status_code == status
        adding = visitor(who).post(f"{path}/add", {"name": "mallory", "role": "manager"})
        assert adding.status_code == status
    assert Membership.objects.filter(project=cast.project).count() == 3


# ---- images --------------------------------------------------------------------------------------


def test_image_counts_put_each_image_in_one_state(visitor: Visitors, cast: Cast) -> None:
    model = make_model()
    images = [make_image(cast.project) for _ in range(4)]
    for image in images[:2]:
        make_embedding(image, model)
    lend(cast.alice, cast.project)
    change_image(image=images[3], changes=ImageChanges(removed=True), by=cast.carol)
    path = f"/api/v1/projects/{cast.project.id}/image-counts"
    assert visitor("carol").get(path).json() == {
        "total": 3,
        "waiting": 1,
        "ready": 1,
        "in_progress": 1,
        "submitted": 0,
        "skipped": 0,
        "left": 3,
        "failed": 0,
    }
    assert visitor("alice").get(path).status_code == 403
    assert visitor("mallory").get(path).status_code == 404


def test_managers_keep_images_for_scoring(visitor: Visitors, cast: Cast) -> None:
    path = f"/api/v1/images/{make_image(cast.project).id}"
    json = {"content_type": "application/json"}
    kept = visitor("carol").patch(path, {"held_out": True}, **json)
    assert (kept.status_code, kept.json()["held_out"]) == (200, True)
    assert visitor("alice").patch(path, {"held_out": False}, **json).status_code == 403
    assert visitor("mallory").patch(path, {"held_out": False}, **json).status_code == 404
    assert visitor("carol").patch(path, {"held_out": "yes"}, **json).status_code == 422
