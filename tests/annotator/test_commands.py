"""The commands of the web side."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotator.models import Image, Person, Project
from annotator.services.people import find_link_person
from tests import pictures
from tests.cast import Cast


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.mark.django_db
def test_the_demo_is_made_once_however_often_it_is_asked_for() -> None:
    assert run("create_demo") == "Demo: 7 images, 7 of them new."
    assert run("create_demo") == "Demo: 7 images, 0 of them new."
    assert Project.objects.get().name == "Demo"
    assert set(Person.objects.values_list("name", flat=True)) == {"annotator", "manager", "admin"}
    assert not any(person.has_usable_password() for person in Person.objects.all())
    links = dict(line.split(": ", 1) for line in run("sign_in_links").splitlines())
    assert set(links) == {"annotator", "manager", "admin"}
    for name, url in links.items():
        assert find_link_person(secret=url.rpartition("/link/")[2]).name == name


def test_a_link_is_for_the_person_named(cast: Cast) -> None:
    url = run("sign_in_link", "Alice", "--base-url", "https://masks.example/")
    assert url.startswith("https://masks.example/link/")
    assert find_link_person(secret=url.rpartition("/")[2]) == cast.alice
    with pytest.raises(CommandError, match="nobody-here"):
        run("sign_in_link", "nobody-here")


def test_a_person_is_created_into_a_project_or_not_at_all(cast: Cast) -> None:
    run("create_person", "erin", "--project", "Harbour", "--role", "manager")
    assert cast.project.memberships.get(person__name="erin").role == "manager"
    with pytest.raises(CommandError):
        run("create_person", "frank", "--project", "No such project")
    assert not Person.objects.filter(name="frank").exists()


def test_pictures_of_a_folder_are_added(cast: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(pictures.png())
    (folder / "b.jpg").write_bytes(pictures.jpeg())
    (folder / "notes.txt").write_text("no picture")
    assert run("add_images", "Harbour", str(folder)) == "2 added, 0 known already, 0 refused."
    assert run("add_images", "Harbour", str(folder)) == "0 added, 2 known already, 0 refused."
    (folder / "c.png").write_bytes(pictures.SVG)
    with pytest.raises(CommandError):
        run("add_images", "Harbour", str(folder))
    assert Image.objects.count() == 2


def test_timings_are_compared_with_the_log(cast: Cast) -> None:
    assert run("recompute_timings") == "0 timings compared, 0 differences."
