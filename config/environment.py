"""Typed readers of environment variables: a bad value stops the program with the value in the text."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from common.broker import celery_url

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"", "0", "false", "no", "off"})


class BadSetting(SystemExit):
    """A setting that cannot be used: its text names the variable and says what to write."""


@dataclass(frozen=True)
class Environment:
    """A read-only view of the variables, in which empty means absent."""

    variables: Mapping[str, str]

    def text(self, name: str, default: str | None = None) -> str:
        found = self.variables.get(name, "").strip()
        if found:
            return found
        if default is None:
            raise BadSetting(f"{name} is not set.")
        return default

    def switch(self, name: str, default: bool = False) -> bool:
        word = self.variables.get(name, "1" if default else "0").strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise BadSetting(f"{name}={word!r} is neither yes nor no: write 1 or 0.")

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        word = self.variables.get(name, "").strip() or str(default)
        if not word.lstrip("-").isdecimal() or not low <= int(word) <= high:
            raise BadSetting(f"{name}={word!r} is not a whole number from {low} to {high}.")
        return int(word)

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        word = self.variables.get(name, "").strip() or str(default)
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise BadSetting(f"{name}={word!r} is not a number from {low:g} to {high:g}.")
        return number

    def words(self, name: str, default: str = "") -> list[str]:
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]


def default_home() -> Path:
    """The folder of the running installation: under /var/lib as root, else in the person's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/maskwright")
    return Path.home() / ".local" / "share" / "maskwright"


def read_environment(variables: Mapping[str, str]) -> Environment:
    """The variables, completed by the running installation's `env` file when no database is named."""
    if variables.get("DATABASE_URL"):
        return Environment(dict(variables))
    home = Path(variables.get("MASKWRIGHT_HOME") or default_home())
    written = home / "env"
    if not written.is_file():
        raise BadSetting(
            f"DATABASE_URL is not set and {written} does not exist: start the installation with "
            "`python3 run.py`, or name a database."
        )
    lines = written.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return Environment({**{name.strip(): word for name, word in pairs}, **variables})


def database_settings(url: str) -> dict[str, object]:
    """Django's database entry for `postgres://user:password@host:port/name?host=/socket/folder`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(
            f"DATABASE_URL begins with {parts.scheme!r}: only postgres:// is supported."
        )
    options = dict(parse_qsl(parts.query))
    # `parts.hostname` would lower-case a socket folder written into the host as %2Fpath.
    address = parts.netloc.rpartition("@")[2]
    host, _, port = address.partition(":") if not address.startswith("[") else (address, "", "")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise BadSetting("DATABASE_URL names no database after the last slash.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(host),
        "PORT": options.pop("port", "") or port,
        "CONN_MAX_AGE": 0,
        # Acknowledged means durable; a lock that is held for ever must become an error, not a hang.
        "OPTIONS": {
            **options,
            "options": "-c synchronous_commit=on -c lock_timeout=15000 -c statement_timeout=60000",
        },
    }


def celery_broker(url: str) -> str:
    """Celery's spelling of a Redis address."""
    try:
        return celery_url(url)
    except ValueError as error:
        raise BadSetting(str(error)) from error


def folder_hash(folder: Path) -> str:
    """The first 12 hex digits of a hash over names and bytes of all files: the static release."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
