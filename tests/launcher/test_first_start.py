"""The bundled model at a start: made once, and again when a checkout brings other weights."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from launcher import first_start
from launcher.first_start import FirstStart
from launcher.places import Home
from launcher.start import ways_in
from launcher.steps import Steps


@dataclass
class Installation:
    """As much of a product as the first steps ask."""

    home: Home
    settings: dict[str, str] = field(default_factory=lambda: {"DATABASE_URL": "postgres://here"})
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def manage(self, *words: str) -> str:
        self.commands.append(words)
        return ""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Its checkout has weights of a few bytes, and an export that is quick."""
    monkeypatch.setattr(first_start, "BUNDLED_WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(first_start, "make_bundle", _export)
    home = Home(tmp_path / "home")
    home.prepare()
    return Installation(home)


def _export(folder: Path, **_unused: object) -> None:
    sha256 = hashlib.sha256(first_start.BUNDLED_WEIGHTS.read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(
        json.dumps({"files": {"weights.safetensors": {"sha256": sha256}}})
    )


def start(installation: Installation) -> list[tuple[str, ...]]:
    """One more start; the commands it ran."""
    installation.commands.clear()
    FirstStart(product=installation, steps=Steps(io.StringIO())).make_model()  # type: ignore[arg-type]
    return list(installation.commands)


def test_new_weights_are_exported_and_registered_at_the_next_start(
    installation: Installation,
) -> None:
    registered = [("register_bundle", str(installation.home.first_bundle), "--bundled")]
    first_start.BUNDLED_WEIGHTS.write_bytes(b"of the first checkout")
    assert start(installation) == registered
    assert start(installation) == []
    first_start.BUNDLED_WEIGHTS.write_bytes(b"of a later checkout")
    assert start(installation) == registered
    made = json.loads((installation.home.first_bundle / "manifest.json").read_text())
    wanted = hashlib.sha256(b"of a later checkout").hexdigest()
    assert made["files"]["weights.safetensors"]["sha256"] == wanted
    assert start(installation) == []


def test_links_are_announced_only_when_there_are_some() -> None:
    shown = ways_in("annotator: http://localhost:8000/link/abc\n")
    assert "One-time sign-in links" in shown
    assert "  annotator: http://localhost:8000/link/abc" in shown
    none = ways_in("\n")
    assert "links" not in none
    assert "python3 run.py link PERSON" in none
