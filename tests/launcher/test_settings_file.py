"""What every process is told, and what is remembered of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from launcher.address import Address
from launcher.failures import LaunchFailure
from launcher.places import Home
from launcher.settings_file import Settings, read_settings, settle_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def settle(home: Home, *, host: str = "127.0.0.1", **environment: str) -> Settings:
    return settle_settings(home=home, environment=environment, address=Address(host=host))


def test_a_first_start_embeds_both_servers(home: Home) -> None:
    settings = settle(home)
    assert settings.embedded_postgres
    assert settings.embedded_valkey
    assert settings.values["STORAGE_URL"] == home.storage.as_uri()


def test_a_second_start_keeps_keys_and_passwords(home: Home) -> None:
    assert settle(home).values == settle(home).values


def test_two_homes_share_no_secret(tmp_path: Path) -> None:
    first, second = Home(tmp_path / "a"), Home(tmp_path / "b")
    first.prepare()
    second.prepare()
    one, other = settle(first), settle(second)
    assert one.values["SECRET_KEY"] != other.values["SECRET_KEY"]
    assert one.database_password != other.database_password
    assert len(one.values["SECRET_KEY"]) >= 50


def test_only_the_owner_can_read_the_file(home: Home) -> None:
    settle(home)
    assert stat.S_IMODE(home.settings.stat().st_mode) == 0o600


def test_an_external_database_is_used_and_remembered(home: Home) -> None:
    url = "postgres://ann:secret@db.example/masks"
    settings = settle(home, DATABASE_URL=url)
    assert not settings.embedded_postgres
    assert settings.embedded_valkey
    again = settle(home)
    assert again.values["DATABASE_URL"] == url
    assert not again.embedded_postgres


def test_a_folder_moved_elsewhere_finds_its_own_servers(home: Home, tmp_path: Path) -> None:
    password = settle(home).database_password
    moved = Home(home.folder.rename(tmp_path / "elsewhere"))
    settings = settle(moved)
    assert settings.embedded_postgres
    assert settings.database_password == password
    assert str(moved.sockets) in settings.values["REDIS_URL"]


def test_the_recorded_settings_given_back_as_variables_stay_embedded(home: Home) -> None:
    first = settle(home)
    assert settle(home, **first.values).embedded_postgres


def test_the_address_listened_on_is_an_allowed_host(home: Home) -> None:
    hosts = settle(home, host="192.0.2.7", ALLOWED_HOSTS="masks.example").values["ALLOWED_HOSTS"]
    assert hosts.split(",") == ["masks.example", "localhost", "127.0.0.1", "[::1]", "192.0.2.7"]


def test_links_name_the_address_of_this_start_unless_another_is_public(home: Home) -> None:
    assert settle(home).values["PUBLIC_URL"] == "http://localhost:8000"
    assert settle(home, host="192.0.2.7").values["PUBLIC_URL"] == "http://192.0.2.7:8000"
    public = settle(home, PUBLIC_URL="https://masks.example").values["PUBLIC_URL"]
    assert public == "https://masks.example"


def test_a_line_without_a_value_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("# a comment\nSECRET_KEY=a=b\nnonsense\n")
    with pytest.raises(LaunchFailure, match="line 3.*nonsense"):
        read_settings(path)


def test_a_value_may_hold_an_equals_sign(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("DATABASE_URL=postgres://a@/b?host=/c\n\n")
    assert read_settings(path) == {"DATABASE_URL": "postgres://a@/b?host=/c"}


def test_a_long_home_puts_its_sockets_on_a_short_path(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 120))
    assert len(str(home.sockets / ".s.PGSQL.5432")) < 107
    assert home.sockets == Home(home.folder).sockets
    assert home.sockets != Home(tmp_path / ("y" * 120)).sockets
