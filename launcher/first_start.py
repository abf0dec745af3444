"""What happens once per installation: graphs of the bundled model, its registration, the demo."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from launcher.command import run_logged
from launcher.environment import is_stamped, stamp
from launcher.places import environment_python
from launcher.product import Product
from launcher.steps import Step, Steps


class FirstStart:
    """Remembers in the home which first steps were taken, per database.

    The commands may run twice without harm; the notes only save their time.
    """

    def __init__(self, *, product: Product, steps: Steps) -> None:
        self._product = product
        self._steps = steps
        self._database = hashlib.sha256(product.settings["DATABASE_URL"].encode()).hexdigest()

    def make_model(self) -> None:
        """Export the bundled model's graphs and register them as the model in use."""
        if self._is_done("model"):
            return
        folder = self._product.home.first_bundle
        if not (folder / "manifest.json").exists():
            with self._steps.step("Model graphs") as step:
                make_bundle(folder, log=self._product.home.logs / "onnx_export.log", step=step)
                step.note = ""
        with self._steps.step("Model registered"):
            self._product.manage("register_bundle", str(folder), "--promote")
        self._note("model")

    def make_demo(self) -> bool:
        """Create the demo's people, project and photographs; True when it was created now."""
        if self._is_done("demo"):
            return False
        with self._steps.step("Demo project"):
            self._product.manage("create_demo")
        self._note("demo")
        return True

    def wait_for_embeddings(self) -> None:
        """Follow the workers until every photograph of the demo has its embedding."""
        if self._is_done("embeddings"):
            return
        with self._steps.step("Embeddings") as step:
            run_logged(
                [environment_python(), "manage.py", "wait_for_embeddings"],
                log=self._product.home.logs / "wait_for_embeddings.log",
                environment=self._product.web_environment(),
                line=step.progress,
            )
            step.note = ""
        self._note("embeddings")

    def _path(self, name: str) -> Path:
        return self._product.home.folder / f".first-{name}"

    def _is_done(self, name: str) -> bool:
        return is_stamped(self._path(name), self._database)

    def _note(self, name: str) -> None:
        stamp(self._path(name), self._database)


def make_bundle(
    folder: Path,
    *,
    log: Path,
    step: Step | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Write the bundled model's graphs into a folder; half a bundle never takes its name."""
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    run_logged(
        [environment_python(), "-m", "onnx_export", "--config", "compact", "--out", beside],
        log=log,
        environment=environment,
        line=step.progress if step is not None else _silent,
    )
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def _silent(text: str) -> None:
    del text
