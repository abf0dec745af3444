"""Room on the storage: what does not fit is refused before anything is written, with the numbers."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from annotator.errors import StorageLow
from annotator.models import Export, Image, Import, Job, Picture
from annotator.services.archives import unpack
from annotator.services.exports import run_export
from annotator.services.stores import file_storage
from tests.annotator.coco_data import run, three_pictures
from tests.cast import Browser, Cast

pytestmark = pytest.mark.django_db(transaction=True)  # an export is of one moment
Browsers = Callable[[str], Browser]
NUMBERS = re.compile(r" needs [\d.]+ [KMGTP]B, and [\d.]+ [KMGTP]B can be used\. ")


@pytest.fixture
def harbour(cast: Cast, tmp_path: Path) -> Cast:
    """A project of three pictures with files, the last of them without masks."""
    run("import_masks", "Harbour", str(three_pictures(tmp_path / "set", left=30).folder))
    return cast


def fill_the_storage(settings: Settings) -> int:
    """Half of what is free is reserved from now on; returns what was free, so that this much cannot be written."""
    free = file_storage().free_bytes()
    assert free is not None
    settings.STORAGE_RESERVE_BYTES = free // 2
    return free


def test_an_export_whose_pictures_do_not_fit_is_refused(
    harbour: Cast, browser: Browsers, settings: Settings
) -> None:
    too_much = fill_the_storage(settings)
    masked = Picture.objects.filter(images__masks__isnull=False).distinct()
    bare = Picture.objects.exclude(pk__in=masked)
    path, carol = f"projects/{harbour.project.id}/exports", browser("carol")
    jobs = Job.objects.count()

    Picture.objects.filter(pk__in=bare).update(num_bytes=too_much)
    asked = {"format": "coco", "with_pictures": True}
    refused = carol.post(path, asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (507, "storage_low")
    message = refused.json()["error"]["message"]
    assert NUMBERS.search(message) and "without the pictures" in message
    assert not Export.objects.exists() and Job.objects.count() == jobs

    assert carol.post(path, asked | {"format": "sa1b"}).status_code == 202  # not of bare images
    assert carol.post(path, asked | {"part": {"origin": "imported"}}).status_code == 202
    assert carol.post(path, {"format": "coco"}).status_code == 202
    Picture.objects.filter(pk__in=masked).update(num_bytes=too_much)
    assert carol.post(path, asked | {"format": "sa1b"}).status_code == 507


def test_an_export_fails_with_the_reason_when_the_room_went_meanwhile(
    harbour: Cast, browser: Browsers, settings: Settings, own_storage: Path
) -> None:
    path = f"projects/{harbour.project.id}/exports"
    made = browser("carol").post(path, {"format": "labels", "with_pictures": True}).json()
    Picture.objects.update(num_bytes=fill_the_storage(settings))
    job = Export.objects.get(id=made["id"]).job
    run_export(job_id=str(job.id), token=job.token)
    state = browser("carol").get(f"exports/{made['id']}").json()
    assert state["state"] == "failed" and NUMBERS.search(state["error"]), state
    assert not [path for path in (own_storage / "exports").rglob("*") if path.is_file()]


def test_a_data_set_that_does_not_fit_is_not_unpacked(tmp_path: Path, settings: Settings) -> None:
    settings.STORAGE_RESERVE_BYTES = 2**60
    with pytest.raises(StorageLow) as refused:
        unpack(io.BytesIO(zipped(b"a few bytes")), tmp_path)
    assert "needs 22 bytes, and 0 bytes can be used." in refused.value.message
    assert not list(tmp_path.iterdir())


def test_a_data_set_is_refused_before_it_is_kept(
    cast: Cast, browser: Browsers, settings: Settings, own_storage: Path
) -> None:
    settings.STORAGE_RESERVE_BYTES = 2**60
    file = SimpleUploadedFile("set.zip", zipped(b"a few bytes"))
    path = f"/api/v1/projects/{cast.project.id}/imports"
    reply = browser("carol").client.post(path, {"files": file})
    assert (reply.status_code, reply.json()["error"]["code"]) == (507, "storage_low")
    assert "can be used" in reply.json()["error"]["message"]
    assert not Import.objects.exists() and not Image.objects.exists()
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


def zipped(content: bytes) -> bytes:
    """A zip file with one file in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("coco.json", content)
    return out.getvalue()
