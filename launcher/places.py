"""Where things lie: the checkout, its environment, and the folder of one installation."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

# sun_path holds 107 bytes and a terminator; the longest name we put into the folder is PostgreSQL's.
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


def environment_folder() -> Path:
    """The virtual environment: `MASKWRIGHT_VENV`, or `.venv` in the checkout."""
    return Path(os.environ.get("MASKWRIGHT_VENV") or CHECKOUT / ".venv").absolute()


def environment_python() -> Path:
    """The interpreter that runs the product (this launcher runs under any Python)."""
    return environment_folder() / "bin" / "python"


def default_home() -> Path:
    """The installation's folder: `MASKWRIGHT_HOME`, else a place that the account can write.

    As root it is not under `/root`, which the unprivileged database account cannot reach.
    """
    chosen = os.environ.get("MASKWRIGHT_HOME")
    if chosen:
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/maskwright")
    return Path.home() / ".local" / "share" / "maskwright"


@dataclass(frozen=True)
class Home:
    """One installation's folder; everything that a start writes is below it."""

    folder: Path

    @property
    def settings(self) -> Path:
        """KEY=VALUE lines, readable by the owner only."""
        return self.folder / "env"

    @property
    def logs(self) -> Path:
        """One log file per program."""
        return self.folder / "logs"

    @property
    def pids(self) -> Path:
        """One file per running program, and the lock of the launcher."""
        return self.folder / "run"

    @property
    def postgres(self) -> Path:
        """Cluster of the embedded PostgreSQL."""
        return self.folder / "postgres"

    @property
    def valkey(self) -> Path:
        """Append-only file of the embedded broker."""
        return self.folder / "valkey"

    @property
    def storage(self) -> Path:
        """Images, embeddings, bundles, when no `STORAGE_URL` is given."""
        return self.folder / "storage"

    @property
    def model_cache(self) -> Path:
        """Bundles that a model worker unpacked."""
        return self.folder / "model-cache"

    @property
    def checkpoints(self) -> Path:
        """Published checkpoints that admins put there to register them."""
        return self.folder / "checkpoints"

    @property
    def incoming(self) -> Path:
        """Data sets that admins put there to bring them into projects."""
        return self.folder / "incoming"

    @property
    def first_bundle(self) -> Path:
        """Graphs of the bundled model, made at the first start."""
        return self.folder / "first-bundle"

    @property
    def sockets(self) -> Path:
        """Unix sockets; a short path elsewhere when the home's own would be too long."""
        near = self.folder / "sockets"
        if len(os.fsencode(near / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(f"/tmp/maskwright-{os.getuid()}-{digest}")

    def prepare(self) -> None:
        """Make the folder; others may pass through (the database account must) but not list it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        for private in (self.logs, self.pids):
            private.mkdir(mode=0o700, exist_ok=True)
