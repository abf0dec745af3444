"""Which account a server runs under: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.failures import LaunchFailure


@dataclass(frozen=True)
class Account:
    """A system account that root gives a server to."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """`postgres` or `nobody` when we are root; None (stay ourselves) otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise LaunchFailure(
        "Running as root needs an account `postgres` or `nobody` for the database; there is neither."
    )


def private_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that only the account (or we) may enter.

    A name under /tmp could have been taken by somebody else, so a link or a foreign owner is refused.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink():
        raise LaunchFailure(f"{folder} is a link; remove it and start again.")
    if account is not None:
        os.chown(folder, account.uid, account.gid)
        _check_reach(folder, account)
    elif folder.stat().st_uid != os.geteuid():
        raise LaunchFailure(f"{folder} belongs to another account; remove it and start again.")
    folder.chmod(0o700)


def _check_reach(folder: Path, account: Account) -> None:
    """Refuse a place whose parents are closed to the account, such as one below /root."""
    looked = subprocess.run(
        ["ls", folder],
        cwd="/",
        capture_output=True,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )
    if looked.returncode != 0:
        raise LaunchFailure(
            f"The account `{account.name}`, which runs the database because we are root, cannot enter "
            f"{folder}. Choose another MASKWRIGHT_HOME, not below a private folder such as /root."
        )


def can_run(binary: Path, account: Account) -> bool:
    """Whether the account can reach and run a server's binary."""
    try:
        tried = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return tried.returncode == 0
