"""Published checkpoints over HTTP: what there is, and what is refused before a worker sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from annotator.models import AuditEntry, Job, JobKind
from common.messages import RegisterRequest
from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "sam_vit_h_4b8939.pth").write_bytes(b"weights")
    (folder / "mobile_sam.pt").write_bytes(b"w")
    (folder / "notes.txt").write_text("no checkpoint")
    (tmp_path / "secret.pth").write_bytes(b"outside")
    settings.CHECKPOINT_FOLDER = folder
    return folder


def test_an_admin_sees_the_files_of_the_folder(browser: Browsers, folder: Path) -> None:
    reply = browser("dan").get("checkpoints").json()
    assert reply["folder"] == str(folder)
    assert reply["checkpoints"] == [
        {"name": "mobile_sam.pt", "num_bytes": 1, "architecture": "vit_t"},
        {"name": "sam_vit_h_4b8939.pth", "num_bytes": 7, "architecture": "vit_h"},
    ]


def test_a_folder_that_is_not_there_is_empty(
    browser: Browsers, settings: Settings, tmp_path: Path
) -> None:
    settings.CHECKPOINT_FOLDER = tmp_path / "nowhere"
    assert browser("dan").get("checkpoints").json()["checkpoints"] == []


def test_registering_queues_a_job_that_can_be_stopped(browser: Browsers, cast: Cast) -> None:
    dan, body = browser("dan"), {"file": "mobile_sam.pt", "architecture": "vit_t"}
    reply = dan.post("checkpoints", body)
    assert (reply.status_code, reply.json()["kind"]) == (202, "register")
    job = Job.objects.get(kind=JobKind.REGISTER)
    request = RegisterRequest.from_json({**job.request, "job_id": str(job.id), "token": 1})
    assert (request.checkpoint, request.architecture) == ("mobile_sam.pt", "vit_t")
    again = dan.post("checkpoints", body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "registering")
    assert dan.post(f"jobs/{job.id}/cancel").json()["state"] == "cancelled"
    assert dan.post("checkpoints", body).status_code == 202
    assert AuditEntry.objects.filter(act="checkpoint.registering", person=cast.dan).count() == 2


@pytest.mark.parametrize(
    ("file", "architecture", "field"),
    [
        ("../secret.pth", "vit_b", "file"),
        ("notes.txt", "vit_b", "file"),
        ("gone.pth", "vit_b", "file"),
        ("mobile_sam.pt", "tiny", "architecture"),
    ],
)
def test_other_files_and_unknown_networks_are_refused(
    browser: Browsers, file: str, architecture: str, field: str
) -> None:
    reply = browser("dan").post("checkpoints", {"file": file, "architecture": architecture})
    assert (reply.status_code, reply.json()["error"]["field"]) == (422, field)
    assert not Job.objects.exists()
