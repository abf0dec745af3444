"""The settings of an installation: KEY=VALUE lines that the launcher and `manage.py` share."""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from launcher.address import Address
from launcher.failures import LaunchFailure
from launcher.places import Home

DATABASE_NAME = "maskwright"
RECORDED = (
    "DATABASE_URL",
    "REDIS_URL",
    "STORAGE_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "MASKWRIGHT_MODEL_CACHE",
    "MASKWRIGHT_CHECKPOINTS",
    "MASKWRIGHT_INCOMING",
)


def read_settings(path: Path) -> dict[str, str]:
    """Read KEY=VALUE lines; an absent file is empty, a malformed line stops the start."""
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, sign, value = line.partition("=")
        if not sign or not key.strip().isidentifier():
            raise LaunchFailure(f"{path}, line {number}: expected KEY=VALUE, found {line!r}")
        found[key.strip()] = value.strip()
    return found


def write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Replace the file in one step; only the owner may read it (it holds the keys)."""
    lines = [
        "# Written by run.py. Environment variables of the same name win and are recorded here."
    ]
    lines += [f"{key}={value}" for key, value in settings.items()]
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write("\n".join(lines) + "\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)


@dataclass(frozen=True)
class Settings:
    """What every process of the installation is told."""

    values: Mapping[str, str]
    embedded_postgres: bool
    embedded_valkey: bool

    @property
    def database_password(self) -> str:
        """The password inside the database URL."""
        return unquote(urlsplit(self.values["DATABASE_URL"]).password or "")


def settle_settings(*, home: Home, environment: Mapping[str, str], address: Address) -> Settings:
    """Decide every setting: the environment first, then the file, then our own embedded servers.

    The file also names the servers that are embedded, so that a folder moved elsewhere still starts.
    """
    recorded = read_settings(home.settings)
    given = {key: environment[key] for key in RECORDED if environment.get(key)}
    ours = recorded.get("EMBEDDED", "postgres,valkey" if not recorded else "").split(",")
    values = recorded | given
    urls = {
        "DATABASE_URL": _embedded_database_url(home, recorded.get("DATABASE_URL", "")),
        "REDIS_URL": f"unix://{home.sockets / 'valkey.sock'}?db=0",
        "STORAGE_URL": home.storage.as_uri(),
    }
    if "postgres" in ours and "DATABASE_URL" not in given:
        values["DATABASE_URL"] = urls["DATABASE_URL"]
    if "valkey" in ours and "REDIS_URL" not in given:
        values["REDIS_URL"] = urls["REDIS_URL"]
    values = urls | values
    values.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    values.setdefault("MASKWRIGHT_MODEL_CACHE", str(home.model_cache))
    values.setdefault("MASKWRIGHT_CHECKPOINTS", str(home.checkpoints))
    values.setdefault("MASKWRIGHT_INCOMING", str(home.incoming))
    values["ALLOWED_HOSTS"] = _with_hosts(values.get("ALLOWED_HOSTS", ""), address.host)
    values["PUBLIC_URL"] = environment.get("PUBLIC_URL") or address.url
    values["HTTPS"] = environment.get("HTTPS") or ("1" if address.certificate else "0")
    postgres = values["DATABASE_URL"] == urls["DATABASE_URL"]
    valkey = values["REDIS_URL"] == urls["REDIS_URL"]
    values["EMBEDDED"] = ",".join(
        name for name, used in (("postgres", postgres), ("valkey", valkey)) if used
    )
    write_settings(home.settings, values)
    return Settings(values=values, embedded_postgres=postgres, embedded_valkey=valkey)


def _embedded_database_url(home: Home, recorded: str) -> str:
    """The embedded server's URL, with the password that its cluster was made with."""
    password = urlsplit(recorded).password or quote(secrets.token_urlsafe(24), safe="")
    folder = quote(str(home.sockets), safe="")
    return f"postgres://{DATABASE_NAME}:{password}@/{DATABASE_NAME}?host={folder}"


def _with_hosts(recorded: str, host: str) -> str:
    """Names under which the site may be asked for: this machine's, and the address it listens on."""
    names = [name for name in recorded.split(",") if name]
    wanted = ["localhost", "127.0.0.1", "[::1]"]
    if host in ("0.0.0.0", "::"):
        wanted += [socket.gethostname(), socket.getfqdn()]
    else:
        wanted.append(host)
    return ",".join(dict.fromkeys(names + [name for name in wanted if name]))
