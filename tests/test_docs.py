"""What exists is documented: settings, commands, addresses, decisions; and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_documented() -> None:
    source = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)) - {"TEST_DATABASE_NAME"}
    assert {name for name in names if f"`{name}`" not in SETTINGS} == set()


def test_every_setting_that_is_documented_exists() -> None:
    names = set(re.findall(r"^\| `([A-Z_]+)`", SETTINGS, flags=re.MULTILINE))
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("config", "launcher", "model_server", "tests")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert {name for name in names if f'"{name}"' not in sources} == set()


def test_every_command_is_documented() -> None:
    folder = ROOT / "annotator" / "management" / "commands"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name for name in names if not re.search(rf"\b{name}\b", API)} == set()


def test_every_subject_of_the_api_is_documented() -> None:
    addresses = [
        found
        for path in (ROOT / "annotator" / "api").glob("*.py")
        for found in re.findall(r'\bpath\(\s*"([a-z][^"]*)"', path.read_text(encoding="utf-8"))
    ]
    assert len(addresses) > 30
    words = {re.sub(r"<[^>]+>", "", address).strip("/").split("/")[-1] for address in addresses}
    assert {word for word in words if word and word not in API} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [one for one in targets if not (page.parent / one).exists()] == []
