"""What happens once per installation: graphs of the bundled model, its registration, the demo."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from launcher.command import run_logged
from launcher.environment import is_stamped, stamp
from launcher.places import CHECKOUT, environment_python
from launcher.product import Product
from launcher.steps import Step, Steps

BUNDLED_WEIGHTS = CHECKOUT / "model_server" / "weights" / "compact.safetensors"
BUNDLED_WEIGHTS_NAME = "weights.safetensors"  # inside a bundle


class FirstStart:
    """Remembers in the home which first steps were taken, per database.

    The commands may run twice without harm; the notes only save their time.
    """

    def __init__(self, *, product: Product, steps: Steps) -> None:
        self._product = product
        self._steps = steps
        self._database = hashlib.sha256(product.settings["DATABASE_URL"].encode()).hexdigest()

    def make_model(self) -> None:
        """Export the bundled model's graphs and register them; again when a checkout has other weights.

        They become the model in use, unless somebody has chosen one: then they are a candidate.
        """
        weights = hashlib.sha256(BUNDLED_WEIGHTS.read_bytes()).hexdigest()
        if self._is_done("model", weights):
            return
        folder = self._product.home.first_bundle
        if _weights_of(folder) != weights:
            with self._steps.step("Model graphs") as step:
                make_bundle(folder, log=self._product.home.logs / "onnx_export.log", step=step)
                step.note = ""
        with self._steps.step("Model registered"):
            self._product.manage("register_bundle", str(folder), "--bundled")
        self._note("model", weights)

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

    def _is_done(self, name: str, *made_from: str) -> bool:
        return is_stamped(self._path(name), " ".join([self._database, *made_from]))

    def _note(self, name: str, *made_from: str) -> None:
        stamp(self._path(name), " ".join([self._database, *made_from]))


def _weights_of(bundle: Path) -> str | None:
    """SHA-256 of the weights that a bundle was made from; None without a bundle."""
    try:
        manifest = json.loads((bundle / "manifest.json").read_text())
        return str(manifest["files"][BUNDLED_WEIGHTS_NAME]["sha256"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


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
