"""The engine around a test: a broker of its own, real Celery workers, and the tick when the test says so."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import redis
from django.db import connection
from PIL import Image as Pixels

from annotator.models import Image, Job, Picture, Project
from annotator.services.stores import file_storage
from config.celery import app
from launcher.accounts import server_account
from launcher.os_processes import wait_until
from launcher.places import CHECKOUT, Home
from launcher.supervisor import Supervisor
from launcher.valkey import installed_valkey
from tests.patience import PATIENCE_S

WEB, EMBED, TRAIN = "web", "embed", "train"
APPS = {WEB: "config.celery", EMBED: "model_server.worker.celery_app"}
OPEN_TRANSACTIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""


@dataclass
class Engine:
    """Starts and kills workers; its folder holds storage, model cache and logs."""

    folder: Path
    redis_url: str
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def storage_url(self) -> str:
        return (self.folder / "storage").as_uri()

    def start(self, *names: str) -> None:
        """Starts workers (one process per queue) that are not running."""
        for name in names:
            if name not in self.workers or self.workers[name].poll() is not None:
                self.workers[name] = self._spawn(name)

    def kill(self, name: str) -> None:
        """kill -9, and the worker's children with it."""
        worker = self.workers.pop(name)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def freeze(self, name: str) -> None:
        """The worker hangs from now on."""
        os.kill(self.workers[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.workers[name].pid, signal.SIGCONT)

    def hold(self) -> None:
        """All workers stand still, none in the middle of a transaction: tables may be emptied now."""
        assert wait_until(self._is_held, PATIENCE_S), f"a transaction does not end\n{self.logs()}"

    def _is_held(self) -> bool:
        for name in self.workers:
            self.freeze(name)
        with connection.cursor() as cursor:
            cursor.execute(OPEN_TRANSACTIONS)
            [(num_open,)] = cursor.fetchall()
        if num_open:
            self.release()
        return num_open == 0

    def release(self) -> None:
        """Workers go on where they stood."""
        for name in self.workers:
            self.thaw(name)

    def stop(self) -> None:
        for name in list(self.workers):
            self.kill(name)

    def flush_broker(self) -> None:
        """Everything in the broker is lost."""
        self.broker.flushall()

    @property
    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)

    def wait_for(
        self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S
    ) -> None:
        assert wait_until(condition, seconds), f"waited in vain for {what}\n{self.logs()}"

    def wait_for_job(self, job: Job, *states: str, seconds: float = PATIENCE_S) -> Job:
        def arrived() -> bool:
            job.refresh_from_db()
            return job.state in states

        self.wait_for(arrived, f"job to be {states}, it is {job.state}: {job.error}", seconds)
        return job

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted((self.folder / "logs").glob("*.log"))
        )

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        pool = ("--pool=threads", "-c1") if name == WEB else ("--pool=solo",)
        command = [sys.executable, "-m", "celery", "-A", APPS.get(name, APPS[EMBED]), "worker"]
        options = ["-Q", name, "-n", f"{name}@test", "--without-gossip", "--without-mingle"]
        with log.open("ab") as out:
            return subprocess.Popen(
                [*command, *options, *pool, "--loglevel=INFO"],
                cwd=CHECKOUT,
                env=self._web_environment() if name == WEB else self._model_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _model_environment(self) -> dict[str, str]:
        kept = ("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "REDIS_URL": self.redis_url,
            "STORAGE_URL": self.storage_url,
            "MASKWRIGHT_MODEL_CACHE": str(self.folder / "cache"),
            "MASKWRIGHT_CHECKPOINTS": str(self.folder / "checkpoints"),
            "MASKWRIGHT_DEVICE": "cpu",
            "MASKWRIGHT_NICENESS": "0",  # a test waits for it
            "MASKWRIGHT_THREADS": "1",  # threads that wait for each other starve on a busy machine
            "OMP_NUM_THREADS": "1",
        }

    def _web_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": own_database_url(),
            "REDIS_URL": self.redis_url,
            "STORAGE_URL": self.storage_url,
            "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",  # where the receivers of tests listen
        }


@contextmanager
def ringing_at(socket: Path) -> Iterator[None]:
    """This process rings at the broker of this socket."""
    before = app.conf.broker_url
    app.conf.broker_url = f"redis+socket://{socket}?virtual_host=0"
    _forget_connections()
    try:
        yield
    finally:
        app.conf.broker_url = before
        _forget_connections()


def _forget_connections() -> None:
    app._pool = None
    app.amqp._producer_pool = None


@contextmanager
def running_engine() -> Iterator[Engine]:
    """A broker and an empty folder; workers are started by the test."""
    folder = Path(tempfile.mkdtemp(prefix="mw-engine-"))
    folder.chmod(0o755)  # the broker may run under another account
    home = Home(folder / "home")
    home.prepare()
    try:
        with Supervisor(home) as supervisor:
            valkey = installed_valkey(home, server_account())
            valkey.prepare()
            supervisor.start(valkey.program(), ready=valkey.answers)
            engine = Engine(folder=folder, redis_url=f"unix://{valkey.socket_path}?db=0")
            with ringing_at(valkey.socket_path):
                try:
                    yield engine
                finally:
                    engine.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_database_url() -> str:
    """The address of the database that this test session made."""
    facts = connection.settings_dict
    secret = f"{quote(facts['USER'])}:{quote(facts['PASSWORD'])}"
    host = facts["HOST"]
    if host.startswith("/"):
        return f"postgres://{secret}@/{facts['NAME']}?host={host}"
    return f"postgres://{secret}@{host}:{facts['PORT'] or 5432}/{facts['NAME']}"


def picture_bytes(*, width: int = 60, height: int = 40, shade: int = 0) -> bytes:
    """A PNG with an orange bar, low on the left, before a slope of colour."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([columns * 3, rows * 5, columns * 0 + shade], axis=-1).astype(np.uint8)
    pixels[height // 2 : -3, 4 : width // 2] = (250, 120, 0)
    out = io.BytesIO()
    Pixels.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def stored_image(project: Project, *, width: int = 60, height: int = 40, shade: int = 0) -> Image:
    """An image whose file is in storage: a slope of colour, the same from no two sides."""
    content = picture_bytes(width=width, height=height, shade=shade)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"images/{sha256[:2]}/{sha256}.png"
    file_storage().put_bytes(key, content)
    picture, _ = Picture.objects.get_or_create(
        sha256=sha256,
        defaults={
            "source_sha256": sha256,
            "width": width,
            "height": height,
            "file_key": key,
            "file_type": "image/png",
            "num_bytes": len(content),
        },
    )
    number = Image.objects.filter(project=project).count()
    return Image.objects.create(
        project=project, picture=picture, name=f"{number}.png", order_index=number
    )
