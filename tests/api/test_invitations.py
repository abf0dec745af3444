"""Invitations over HTTP; joining by them is tests/pages/test_invitations.py."""

from __future__ import annotations

from collections.abc import Callable

from tests.cast import Browser, Cast


def test_managers_make_list_and_revoke_invitations(
    browser: Callable[[str], Browser], cast: Cast
) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}/invitations"
    made = carol.post(path, {"label": "the new student"})
    assert made.status_code == 201 and "/invite/" in made.json()["url"]
    assert (made.json()["role"], made.json()["created_by"]) == ("annotator", "Carol")
    listed = carol.get(path).json()
    assert [one["id"] for one in listed["invitations"]] == [made.json()["id"]]
    assert listed["total"] == 1 and "url" not in listed["invitations"][0]
    assert carol.post(path, {"role": "admin"}).status_code == 422
    assert carol.post(path, {"project": str(cast.elsewhere.id)}).status_code == 400
    one = f"{path}/{made.json()['id']}"
    elsewhere = f"projects/{cast.elsewhere.id}/invitations/{made.json()['id']}"
    assert browser("mallory").send("DELETE", elsewhere).status_code == 404
    assert carol.send("DELETE", one).status_code == 204
    assert carol.send("DELETE", one).status_code == 404
    assert carol.get(path).json()["invitations"] == []
