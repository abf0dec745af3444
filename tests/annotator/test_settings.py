"""Settings stop the program when they cannot be right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import (
    BadSetting,
    Environment,
    celery_broker,
    database_settings,
    read_environment,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("url", "host", "port", "name", "password"),
    [
        ("postgres://m:p%40w@/masks?host=/run/Sock", "/run/Sock", "", "masks", "p@w"),
        ("postgres://m:pw@%2Frun%2FSock/masks", "/run/Sock", "", "masks", "pw"),
        ("postgresql://m:pw@db.example:5433/masks", "db.example", "5433", "masks", "pw"),
    ],
)
def test_database_addresses_of_every_kind(
    url: str, host: str, port: str, name: str, password: str
) -> None:
    found = database_settings(url)
    assert (found["HOST"], found["PORT"], found["NAME"]) == (host, port, name)
    assert (found["USER"], found["PASSWORD"]) == ("m", password)
    assert "synchronous_commit=on" in found["OPTIONS"]["options"]  # type: ignore[index]


@pytest.mark.parametrize("url", ["mysql://m@h/masks", "postgres://m@h/", "masks"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        database_settings(url)


def test_the_broker_is_spelled_for_celery() -> None:
    assert celery_broker("unix:///run/v.sock?db=3") == "redis+socket:///run/v.sock?virtual_host=3"
    assert celery_broker("redis://h:6379/1") == "redis://h:6379/1"
    with pytest.raises(BadSetting):
        celery_broker("amqp://h")


@pytest.mark.parametrize("word", ["maybe", "2", "-"])
def test_a_switch_is_on_or_off(word: str) -> None:
    with pytest.raises(BadSetting, match="DEBUG"):
        Environment({"DEBUG": word}).switch("DEBUG")


@pytest.mark.parametrize("word", ["ten", "1.5", "-1", "99999"])
def test_a_number_is_whole_and_within_its_range(word: str) -> None:
    with pytest.raises(BadSetting, match="LEASE_SECONDS"):
        Environment({"LEASE_SECONDS": word}).whole("LEASE_SECONDS", 60, low=10, high=3600)


def test_a_shell_finds_the_running_installation(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("DATABASE_URL=postgres://a@/b\nREDIS_URL=redis://h?x=1\n")
    found = read_environment({"MASKWRIGHT_HOME": str(tmp_path), "REDIS_URL": "redis://other"})
    assert found.text("DATABASE_URL") == "postgres://a@/b"
    assert found.text("REDIS_URL") == "redis://other"
    with pytest.raises(BadSetting, match="run.py"):
        read_environment({"MASKWRIGHT_HOME": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "*", "DEBUG": "0"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "masks.example", "DEBUG": "1"}, "DEBUG"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL"),
    ],
)
def test_start_up_stops_and_says_why(changes: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
