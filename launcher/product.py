"""The product's own programs: web, workers, tick; and the commands that prepare them."""

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from launcher.address import Address
from launcher.failures import LaunchFailure, end_of_log
from launcher.os_processes import end_with_parent
from launcher.places import CHECKOUT, Home, environment_python
from launcher.program import Program
from launcher.supervisor import Supervisor

# A model worker works beside any web process and any database: it is told of neither.
MODEL_WORKER_SETTINGS = (
    "REDIS_URL",
    "STORAGE_URL",
    "MASKWRIGHT_MODEL_CACHE",
    "MASKWRIGHT_CHECKPOINTS",
    "LOG_LEVEL",
)
WEB_ONLY_SETTINGS = ("DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
MODEL_QUEUES = ("embed", "train")
CELERY_OPTIONS = ("--without-gossip", "--without-mingle", "--loglevel=INFO")


@dataclass(frozen=True)
class Product:
    """The programs of one installation, and its management commands."""

    home: Home
    settings: Mapping[str, str]
    address: Address
    inherited: Mapping[str, str]

    def web_environment(self) -> dict[str, str]:
        """What Django's processes are told."""
        kept = {key: text for key, text in self.inherited.items() if not key.startswith("PG")}
        own = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "MASKWRIGHT_HOME": str(self.home.folder),
            "PYTHONUNBUFFERED": "1",
        }
        return kept | dict(self.settings) | own

    def model_environment(self) -> dict[str, str]:
        """What model workers are told: broker, storage, cache."""
        full = self.web_environment()
        for name in set(self.settings) | set(WEB_ONLY_SETTINGS):
            if name not in MODEL_WORKER_SETTINGS:
                full.pop(name, None)
        return full

    def programs(self) -> list[Program]:
        """Everything above the servers, in the order of its start."""
        return [self.web(), self.web_worker(), *map(self.model_worker, MODEL_QUEUES), self.tick()]

    def web(self) -> Program:
        """Pages, API and WebSocket."""
        address = self.address
        certificate: tuple[str, ...] = ()
        if address.certificate:
            certificate = ("--ssl-certfile", str(address.certificate))
        if address.key:
            certificate += ("--ssl-keyfile", str(address.key))
        return self._python(
            "web",
            ("-m", "uvicorn", "config.asgi:application", "--lifespan", "off"),
            ("--host", address.host, "--port", str(address.port), "--no-access-log"),
            ("--timeout-graceful-shutdown", "5", "--no-server-header", *certificate),
        )

    def web_worker(self) -> Program:
        """Records what model workers report and runs the tick's work."""
        return self._celery("web-worker", "config.celery", "web", ("--pool=threads", "-c4"))

    def model_worker(self, queue: str) -> Program:
        """One process per kind of model work: torch must not be forked, hence `solo`."""
        return self._celery(
            f"{queue}-worker",
            "model_server.worker.celery_app",
            queue,
            ("--pool=solo",),
            self.model_environment(),
        )

    def tick(self) -> Program:
        """Rings the tick."""
        return self._python("tick", ("manage.py", "tick_forever"))

    def manage(self, *arguments: str, seconds: float = 600.0) -> str:
        """Run a management command to its end; returns what it printed.

        Raises LaunchFailure with its errors when it fails.
        """
        done = subprocess.run(
            [environment_python(), "manage.py", *arguments, "--skip-checks"],
            cwd=CHECKOUT,
            env=self.web_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            preexec_fn=end_with_parent(15),
        )
        if done.returncode != 0:
            words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
            raise LaunchFailure(f"`manage.py {' '.join(arguments)}` failed:\n{words}")
        return done.stdout

    def readiness(self) -> tuple[bool, str]:
        """Ask /readyz: whether all is well, and what is missing if not."""
        # The certificate is the owner's, often self-signed, and we talk to ourselves.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(
                f"{self.address.url}/readyz", timeout=10.0, context=context
            ) as reply:
                return True, reply.read(4096).decode()
        except urllib.error.HTTPError as error:
            return False, _missing_parts(error.read(4096))
        except OSError as error:
            return False, str(getattr(error, "reason", error))

    def wait_until_ready(self, supervisor: Supervisor, *, seconds: float) -> None:
        """Wait for /readyz while the programs are watched; LaunchFailure says what was missing."""
        end = time.monotonic() + seconds
        while True:
            ready, missing = self.readiness()
            if ready:
                return
            supervisor.watch()
            if time.monotonic() > end:
                logs = "\n".join(
                    f"--- {name}\n{end_of_log(self.home.logs / f'{name}.log', 8)}"
                    for name in supervisor.names
                )
                raise LaunchFailure(f"Not ready after {seconds:.0f} s: {missing}\n{logs}")
            time.sleep(0.1)

    def _python(self, name: str, *arguments: tuple[str, ...]) -> Program:
        flat = tuple(part for group in arguments for part in group)
        return Program(
            name=name,
            command=(str(environment_python()), *flat),
            environment=self.web_environment(),
            layer=1,
        )

    def _celery(
        self,
        name: str,
        app: str,
        queue: str,
        pool: tuple[str, ...],
        environment: Mapping[str, str] | None = None,
    ) -> Program:
        return Program(
            name=name,
            command=(
                str(environment_python()),
                *("-m", "celery", "-A", app, "worker", "-Q", queue, "-n", f"{name}@%h"),
                *pool,
                *CELERY_OPTIONS,
            ),
            environment=environment or self.web_environment(),
            layer=1,
        )


def _missing_parts(body: bytes) -> str:
    """The parts that /readyz names as not ok, as one line."""
    text = body.decode(errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        return text[:200]
    return json.dumps(told)[:300]
