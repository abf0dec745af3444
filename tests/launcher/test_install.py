"""What is installed already is recognised; what is missing is said in words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.browser_files import SERVED, VENDOR, find_node
from launcher.chromium import CHOICE, find_chromium
from launcher.environment import REQUIREMENTS, TORCH_INDEX, is_stamped, requirements_hash, stamp
from launcher.failures import LaunchFailure
from launcher.places import CHECKOUT


def test_a_stamp_counts_only_for_what_it_was_made_from(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert not is_stamped(mark, "pins")
    stamp(mark, "pins")
    assert is_stamped(mark, "pins")
    assert not is_stamped(mark, "other pins")


def test_another_torch_index_installs_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TORCH_INDEX, raising=False)
    before = requirements_hash(REQUIREMENTS)
    assert requirements_hash(REQUIREMENTS) == before
    monkeypatch.setenv(TORCH_INDEX, "https://index.example/cpu")
    assert requirements_hash(REQUIREMENTS) != before


def test_every_requirement_is_pinned_to_one_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (CHECKOUT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert "==" in line, f"{name}: {line}"


def test_the_lock_file_names_no_host() -> None:
    assert "resolved" not in (CHECKOUT / "package-lock.json").read_text()


def test_the_launcher_runs_without_anything_installed() -> None:
    """-I and -S: no environment variables, no site-packages, as on a fresh machine."""
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import launcher.main"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_the_node_that_is_found_is_new_enough() -> None:
    shown = subprocess.run(
        [*find_node().node, "--version"], capture_output=True, text=True, check=True
    )
    assert int(shown.stdout.lstrip("v").partition(".")[0]) >= 20


def test_what_pages_load_is_laid_out_and_compressed_smaller() -> None:
    for target in SERVED.values():
        plain = VENDOR / target
        packed = plain.with_name(plain.name + ".br")
        assert 0 < packed.stat().st_size < plain.stat().st_size


def test_a_chosen_chromium_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "/nowhere/chromium")
    with pytest.raises(LaunchFailure, match="/nowhere/chromium"):
        find_chromium()


def test_an_old_python_gets_a_sentence(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 1); sys.version = '3.9.1 (old)';"
        f"runpy.run_path({str(CHECKOUT / 'run.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "needs Python 3.11" in done.stderr
    assert os.listdir(tmp_path) == []
