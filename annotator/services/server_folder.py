"""Data sets in a folder of the server: folders and zip files that admins import without sending them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from annotator.errors import Invalid

ZIP = ".zip"


@dataclass(frozen=True)
class ServerDataSet:
    """An entry of the folder."""

    name: str
    is_zip: bool


def server_data_sets() -> list[ServerDataSet]:
    """What can be chosen, by name; hidden entries are left out."""
    folder: Path = settings.INCOMING_FOLDER
    if not folder.is_dir():
        return []
    found = (_described(path) for path in sorted(folder.iterdir()) if path.name[0] != ".")
    return [one for one in found if one is not None]


def find_server_data_set(name: str) -> Path:
    """Its place. Raises `Invalid` for what cannot be chosen, names that lead elsewhere among it."""
    if name not in {one.name for one in server_data_sets()}:
        text = f"There is no data set {name!r:.200} in the server's folder."
        raise Invalid(text, code="no_data_set", field="name")
    folder: Path = settings.INCOMING_FOLDER
    return folder / name


def _described(path: Path) -> ServerDataSet | None:
    is_zip = path.suffix.lower() == ZIP and path.is_file()
    return ServerDataSet(path.name, is_zip) if is_zip or path.is_dir() else None
