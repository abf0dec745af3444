"""Data sets in the server's folder over HTTP: what is offered, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_django.fixtures import Settings

from annotator.models import AuditEntry, Import, Job
from tests.cast import Browser, Cast


def test_what_lies_in_the_folder_is_offered_and_nothing_else(
    browser: Callable[[str], Browser], cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "incoming"
    settings.INCOMING_FOLDER = folder
    address, dan = f"projects/{cast.project.id}/server-imports", browser("dan")
    assert dan.get(address).json() == {"folder": str(folder), "data_sets": []}
    (folder / "quay").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "sent.ZIP").write_bytes(b"")
    (folder / "notes.txt").write_text("")
    assert dan.get(address).json()["data_sets"] == [
        {"name": "quay", "is_zip": False},
        {"name": "sent.ZIP", "is_zip": True},
    ]
    for name in ("notes.txt", ".hidden", "..", "quay/..", str(tmp_path), "missing"):
        refusal = dan.post(address, {"name": name})
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (422, "no_data_set"), name
    assert not Job.objects.filter(kind="import").exists()
    reply = dan.post(address, {"name": "quay"})
    assert (reply.status_code, reply.json()["name"], reply.json()["state"]) == (
        202,
        "quay",
        "queued",
    )
    assert Import.objects.get().created_by == cast.dan
    assert AuditEntry.objects.filter(act="import.requested", subject="quay").count() == 1
