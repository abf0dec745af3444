"""Data sets that are sent as zip files: unpacked safely, imported by the web worker, dropped when that is over."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from annotator.errors import Invalid, TooLarge
from annotator.middleware import UPLOAD_PATH
from annotator.models import AuditEntry, Image, Import, Job, JobState, Mask
from annotator.services import archives, data_set_uploads
from annotator.services.archives import unpack
from annotator.services.data_set_uploads import request_import, run_import
from annotator.services.imports import ImportReport, import_masks
from annotator.services.stores import file_storage
from launcher.os_processes import wait_until
from tests import pictures
from tests.annotator.coco_data import DataSet, blob, compressed
from tests.cast import Browser, Cast
from tests.database_fixtures import own_storage
from tests.patience import PATIENCE_S
from tests.worker.engine import Engine

__all__ = ["own_storage"]
pytestmark = pytest.mark.xdist_group("engine")


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def data_set(tmp_path: Path) -> bytes:
    """Two pictures, one of which has a mask and the other one that is none; all in one folder."""
    data = DataSet(tmp_path / "otters")
    first, second = (data.add_image(pictures.png(seed=seed), name=f"{seed}.png") for seed in (0, 1))
    data.add_mask(first, compressed(blob()))
    data.add_mask(second, [])
    data.write()
    files = [path for path in data.folder.rglob("*") if path.is_file()]
    return packed({str(path.relative_to(tmp_path)): path.read_bytes() for path in files})


def send(cast: Cast, content: bytes, name: str = "otters.zip"):  # type: ignore[no-untyped-def]
    """The answer to Carol's upload."""
    file = SimpleUploadedFile(name, content, "application/zip")
    address = f"/api/v1/projects/{cast.project.id}/imports"
    return Browser(cast.carol).client.post(address, {"files": file})


def test_a_zip_file_is_imported_in_the_background(
    engine: Engine, cast: Cast, tmp_path: Path
) -> None:
    content = data_set(tmp_path)
    reply = send(cast, content)
    assert reply.status_code == 202, reply.content
    one = Import.objects.get(id=reply.json()["id"])
    engine.wait_for_job(one.job, JobState.DONE)
    told = Browser(cast.carol).get(f"imports/{one.id}").json()
    assert (told["name"], told["state"], told["progress"]) == ("otters.zip", "done", 1)
    report = told["report"]
    assert (report["images_added"], report["masks_added"], report["masks_refused"]) == (2, 1, 1)
    assert report["reasons"] == {"no_mask": 1}
    assert report["refusals"][0]["place"].startswith("1.png, annotation ")
    mask = Mask.objects.get()
    assert mask.image.project == cast.project and mask.image.uploaded_by == cast.carol
    assert wait_until(lambda: not file_storage().exists(one.file_key), PATIENCE_S)

    again = Import.objects.get(id=send(cast, content).json()["id"])
    engine.wait_for_job(again.job, JobState.DONE)
    again.refresh_from_db()
    assert (again.report["images_known"], again.report["masks_known"]) == (2, 1)
    listed = Browser(cast.carol).get(f"projects/{cast.project.id}/imports").json()
    assert [each["id"] for each in listed["imports"]] == [str(again.id), str(one.id)]

    nothing = Import.objects.get(id=send(cast, b"no zip").json()["id"])
    engine.wait_for_job(nothing.job, JobState.FAILED)
    assert Job.objects.get(id=nothing.job_id).error.startswith("It is no zip file that can be read")
    assert wait_until(lambda: not file_storage().exists(nothing.file_key), PATIENCE_S)
    assert Image.objects.count() == 2


def test_an_import_that_was_cut_off_goes_on(
    cast: Cast, tmp_path: Path, own_storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(data_set(tmp_path))
    one = request_import(project=cast.project, by=cast.carol, name="../set.zip", path=path)
    assert one.name == "set.zip"

    def broken_disk(*, advance: Callable[[ImportReport], None], **asked: Any) -> ImportReport:
        def cut_off(report: ImportReport) -> None:
            advance(report)
            raise OSError("the disk is gone")

        return import_masks(advance=cut_off, **asked)

    with monkeypatch.context() as broken:
        broken.setattr(data_set_uploads, "import_masks", broken_disk)
        run_import(job_id=str(one.job_id), token=1)
    job = Job.objects.get(id=one.job_id)
    assert (job.state, job.error) == ("queued", "It could not be read: the disk is gone")
    assert Image.objects.count() == 1 and file_storage().exists(one.file_key)
    run_import(job_id=str(one.job_id), token=1)  # late: it is the second attempt's now
    assert Image.objects.count() == 1
    run_import(job_id=str(one.job_id), token=job.token)
    one.refresh_from_db()
    assert (one.report["images_added"], one.report["images_known"]) == (1, 1)
    assert Job.objects.get(id=one.job_id).state == JobState.DONE
    assert not file_storage().exists(one.file_key)


def test_a_cancelled_import_keeps_what_came_in(
    cast: Cast, tmp_path: Path, own_storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(data_set(tmp_path))
    one = request_import(project=cast.project, by=cast.carol, name="set.zip", path=path)
    carol = Browser(cast.carol)

    def cancelled(*, advance: Callable[[ImportReport], None], **asked: Any) -> ImportReport:
        def after_one(report: ImportReport) -> None:
            assert carol.post(f"imports/{one.id}/cancel").status_code == 202
            advance(report)

        return import_masks(advance=after_one, **asked)

    monkeypatch.setattr(data_set_uploads, "import_masks", cancelled)
    run_import(job_id=str(one.job_id), token=1)
    told = carol.get(f"imports/{one.id}").json()
    assert (told["state"], told["report"]["images_added"]) == ("cancelled", 1)
    assert Image.objects.count() == 1 and not file_storage().exists(one.file_key)
    assert carol.post(f"imports/{one.id}/cancel").json()["error"]["code"] == "job_ended"

    waiting = request_import(project=cast.project, by=cast.carol, name="set.zip", path=path)
    assert carol.post(f"imports/{waiting.id}/cancel").json()["state"] == "cancelled"
    assert not file_storage().exists(waiting.file_key)
    acts = AuditEntry.objects.filter(act="import.cancelled").order_by("id")
    assert [act.subject for act in acts] == [str(one.id), str(waiting.id)]


def test_a_zip_file_may_be_larger_than_a_picture(
    cast: Cast, own_storage: Path, settings: Settings
) -> None:
    settings.MAX_IMAGE_BYTES = 1000
    content = packed({"a.bin": bytes(range(256)) * 3, "b.bin": os.urandom(5000)})
    one = Import.objects.get(id=send(cast, content).json()["id"])
    assert file_storage().read_bytes(one.file_key) == content
    assert UPLOAD_PATH.fullmatch(f"/api/v1/projects/{cast.project.id}/imports")


def test_what_is_sent_has_to_be_one_file(cast: Cast) -> None:
    address = f"/api/v1/projects/{cast.project.id}/imports"
    reply = Browser(cast.carol).client.post(address, {})
    assert (reply.status_code, reply.json()["error"]["field"]) == (422, "files")


# ---- unpacking -------------------------------------------------------------------------------


def test_plain_files_are_unpacked_and_nothing_else(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("set/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("set/", b"")
        archive.writestr("set/a/b.txt", b"otter")
        archive.writestr("__MACOSX/set/._b.txt", b"x")
    assert unpack(out, tmp_path) == tmp_path / "set"
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if not path.is_dir()]
    assert found == [Path("set/a/b.txt")]
    assert (tmp_path / "set/a/b.txt").read_bytes() == b"otter"


@pytest.mark.parametrize(
    "names", [["../a"], ["/a"], ["a/../../b"], ["..\\a"], ["a", "a/b"], ["a/b", "a"]]
)
def test_names_that_lead_outside_or_into_each_other_are_refused(
    tmp_path: Path, names: list[str]
) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(Invalid) as refusal:
        unpack(io.BytesIO(packed(dict.fromkeys(names, b"x"))), inside)
    assert refusal.value.code == "bad_zip"
    assert {path.name for path in tmp_path.iterdir()} <= {"in"}


def test_what_is_damaged_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed({"a.bin": bytes(range(256)) * 64})
    for damaged in (content[:-30], content[:40] + b"\x00" * 8 + content[48:]):
        with pytest.raises(Invalid):
            unpack(io.BytesIO(damaged), tmp_path)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 16_000)
    with pytest.raises(TooLarge):
        unpack(io.BytesIO(content), tmp_path)
