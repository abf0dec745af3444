"""Uploads, image facts and image bytes over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from annotator.models import AuditEntry, Image, Picture
from tests import pictures
from tests.cast import Browser, Cast, body_of, make_embedding, make_image, make_model

Browsers = Callable[[str], Browser]


def upload(browser: Browser, cast: Cast, **files: bytes) -> HttpResponse:
    """Uploads files by name; an underscore before the suffix stands for the dot."""
    sent = [
        SimpleUploadedFile(".".join(name.rsplit("_", 1)), content)
        for name, content in files.items()
    ]
    path = f"/api/v1/projects/{cast.project.id}/images"
    return browser.client.post(path, {"files": sent})  # type: ignore[return-value]


def stored_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_uploaded_images_are_listed_in_their_order(browser: Browsers, cast: Cast) -> None:
    carol = browser("carol")
    reply = upload(carol, cast, first_png=pictures.png(), second_jpg=pictures.jpeg(70, 40))
    assert reply.status_code == 201, reply.content
    names = [(one["name"], one["width"], one["duplicate"]) for one in reply.json()["images"]]
    assert names == [("first.png", 61, False), ("second.jpg", 70, False)]
    listed = carol.get(f"projects/{cast.project.id}/images").json()
    assert [one["name"] for one in listed["images"]] == ["first.png", "second.jpg"]
    assert listed["total"] == 2
    assert listed["images"][0]["state"] == "ready"
    assert AuditEntry.objects.filter(act="images.added", person=cast.carol).count() == 1


def test_the_same_picture_again_is_the_same_image(
    browser: Browsers, cast: Cast, own_storage: Path
) -> None:
    carol = browser("carol")
    first = upload(carol, cast, a_png=pictures.png()).json()["images"][0]
    before = stored_files(own_storage)
    again = upload(carol, cast, b_png=pictures.png()).json()["images"][0]
    assert (again["id"], again["name"], again["duplicate"]) == (first["id"], "a.png", True)
    assert stored_files(own_storage) == before
    assert Image.objects.count() == Picture.objects.count() == 1


def test_one_bad_file_costs_the_others_nothing(browser: Browsers, cast: Cast) -> None:
    reply = upload(browser("carol"), cast, good_png=pictures.png(), logo_png=pictures.SVG)
    assert reply.status_code == 201
    assert [one["name"] for one in reply.json()["images"]] == ["good.png"]
    assert [(one["name"], one["code"]) for one in reply.json()["refused"]] == [
        ("logo.png", "wrong_type")
    ]


def test_when_all_are_refused_it_is_422_and_nothing_is_left(
    browser: Browsers, cast: Cast, own_storage: Path, settings: Settings
) -> None:
    settings.MAX_IMAGE_BYTES = 20_000
    files = {"empty_png": b"x", "page_jpg": pictures.HTML, "huge_png": bytes(30_000)}
    reply = upload(browser("carol"), cast, **files)
    assert reply.status_code == 422
    assert [one["code"] for one in reply.json()["refused"]] == [
        "wrong_type",
        "wrong_type",
        "too_large",
    ]
    assert not stored_files(own_storage)
    assert not Image.objects.exists() and not Picture.objects.exists()


@pytest.mark.parametrize("what", ["no files", "another field", "json"])
def test_a_body_without_files_is_refused(browser: Browsers, cast: Cast, what: str) -> None:
    carol, path = browser("carol"), f"/api/v1/projects/{cast.project.id}/images"
    if what == "json":
        assert carol.post(f"projects/{cast.project.id}/images", {"files": []}).status_code == 415
        return
    sent = {} if what == "no files" else {"pictures": SimpleUploadedFile("a.png", pictures.png())}
    assert carol.client.post(path, sent).status_code == 422


def test_a_broken_multipart_body_is_400(browser: Browsers, cast: Cast) -> None:
    reply = browser("carol").client.generic(
        "POST",
        f"/api/v1/projects/{cast.project.id}/images",
        b"--x\r\nnonsense",
        content_type="multipart/form-data",
    )
    assert reply.status_code == 400


def test_a_name_is_text_and_never_a_path(browser: Browsers, cast: Cast) -> None:
    path = f"/api/v1/projects/{cast.project.id}/images"
    file = SimpleUploadedFile("a.png", pictures.png())
    file._name = "../../etc/<b>\u202egnp.png"
    reply = browser("carol").client.post(path, {"files": [file]})
    assert reply.json()["images"][0]["name"] == "<b>gnp.png"


@pytest.mark.parametrize(("name", "status"), [("alice", 403), ("mallory", 404), ("nobody", 401)])
def test_only_managers_upload(
    browser: Browsers, cast: Cast, own_storage: Path, name: str, status: int
) -> None:
    assert upload(browser(name), cast, a_png=pictures.png()).status_code == status
    assert not stored_files(own_storage)


def test_uploads_stop_when_the_storage_is_nearly_full(
    browser: Browsers, cast: Cast, settings: Settings
) -> None:
    settings.STORAGE_RESERVE_BYTES = 2**60
    reply = upload(browser("carol"), cast, a_png=pictures.png())
    assert (reply.status_code, reply.json()["error"]["code"]) == (507, "storage_low")


def test_an_archived_project_takes_no_images(browser: Browsers, cast: Cast) -> None:
    browser("carol").send("PATCH", f"projects/{cast.project.id}", {"archived": True})
    assert upload(browser("carol"), cast, a_png=pictures.png()).status_code == 409


@pytest.fixture
def uploaded(browser: Browsers, cast: Cast) -> dict[str, str]:
    return upload(browser("carol"), cast, boat_jpg=pictures.rotated_jpeg()).json()["images"][0]


def test_image_facts_and_bytes_belong_together(
    browser: Browsers, uploaded: dict[str, str], own_storage: Path
) -> None:
    alice = browser("alice")
    assert (uploaded["width"], uploaded["height"]) == (43, 61)
    reply = alice.client.get(uploaded["file_url"])
    assert reply.status_code == 200
    assert body_of(reply) == (own_storage / Picture.objects.get().file_key).read_bytes()
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["Content-Length"] == str(Picture.objects.get().num_bytes)
    assert reply.headers["ETag"] == f'"{uploaded["sha256"]}"'


@pytest.mark.parametrize("what", ["file_url", "thumbnail_url"])
def test_bytes_are_cached_for_ever_and_run_nothing(
    browser: Browsers, uploaded: dict[str, str], what: str
) -> None:
    alice = browser("alice")
    reply = alice.client.get(uploaded[what])
    assert reply.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    again = alice.client.get(uploaded[what], headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    body_of(reply)


@pytest.mark.parametrize("name", ["mallory", "nobody"])
def test_bytes_are_for_those_in_scope(
    browser: Browsers, uploaded: dict[str, str], name: str
) -> None:
    for what in ("file_url", "thumbnail_url"):
        reply = browser(name).client.get(uploaded[what])
        assert reply.status_code == (401 if name == "nobody" else 404)
    gone = browser(name).get(f"images/{uuid.uuid4()}")
    assert browser(name).get(f"images/{uploaded['id']}").content == gone.content


def test_a_removed_image_is_gone_and_comes_back_by_upload(
    browser: Browsers, cast: Cast, uploaded: dict[str, str]
) -> None:
    path = f"images/{uploaded['id']}"
    assert browser("alice").send("DELETE", path).status_code == 403
    assert browser("carol").send("DELETE", path).status_code == 204
    assert browser("carol").get(path).status_code == 404
    assert browser("alice").client.get(uploaded["file_url"]).status_code == 404
    back = upload(browser("carol"), cast, boat_jpg=pictures.rotated_jpeg()).json()["images"][0]
    assert back["id"] == uploaded["id"]


def test_tiles_cover_a_large_picture(browser: Browsers, cast: Cast) -> None:
    large = upload(browser("carol"), cast, wide_jpg=pictures.jpeg(4100, 150)).json()["images"][0]
    assert large["tiles"]["tile_size"] == 512
    assert large["tiles"]["levels"][0] == {"level": 0, "width": 4100, "height": 150}
    alice = browser("alice")
    reply = alice.get(f"images/{large['id']}/tiles/0/8/0")
    assert reply.status_code == 200 and body_of(reply)[:3] == b"\xff\xd8\xff"
    for outside in ("0/9/0", "0/0/1", "9/0/0"):
        assert alice.get(f"images/{large['id']}/tiles/{outside}").status_code == 404


def test_a_small_picture_has_no_tiles(browser: Browsers, uploaded: dict[str, str]) -> None:
    assert uploaded["tiles"] is None
    assert browser("alice").get(f"images/{uploaded['id']}/tiles/0/0/0").status_code == 404


def test_an_embedding_that_is_not_ready_is_409(browser: Browsers, cast: Cast) -> None:
    model, image = make_model(), make_image(cast.project)
    path = f"images/{image.id}/embedding/{model.encoder_fingerprint}"
    reply = browser("alice").get(path)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "embedding_not_ready")
    assert browser("alice").get(f"images/{image.id}/embedding/{'0' * 64}").status_code == 404
    assert browser("mallory").get(path).status_code == 404


def test_an_embedding_whose_file_is_gone_is_made_again(browser: Browsers, cast: Cast) -> None:
    model, image = make_model(), make_image(cast.project)
    make_embedding(image, model)
    path = f"images/{image.id}/embedding/{model.encoder_fingerprint}"
    assert browser("alice").get(path).status_code == 409
    assert not image.picture.embeddings.exists()


def test_states_and_names_filter_the_list(browser: Browsers, cast: Cast) -> None:
    for _ in range(3):
        make_image(cast.project)
    browser("alice").post(f"projects/{cast.project.id}/assignments/next")
    carol, path = browser("carol"), f"projects/{cast.project.id}/images"
    names = [one["name"] for one in carol.get(f"{path}?state=in_progress").json()["images"]]
    assert names == ["harbour-0.png"]
    assert carol.get(f"{path}?name=BOUR-2").json()["total"] == 1
    assert carol.get(f"{path}?limit=1&offset=1").json()["images"][0]["name"] == "harbour-1.png"
    assert carol.get(f"{path}?state=lost").status_code == 422
    assert carol.get(f"{path}?colour=red").status_code == 400


def test_the_list_asks_the_same_number_of_queries_for_any_number(
    browser: Browsers, cast: Cast, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for _ in range(8):
        make_image(cast.project)
    carol = browser("carol")
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        carol.get(f"projects/{cast.project.id}/images")
