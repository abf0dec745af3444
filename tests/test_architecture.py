"""Dependencies point one way: the import rules of docs/architecture, read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "annotator",
    "common",
    "config",
    "launcher",
    "model_server",
    "onnx_export",
    "simulation",
    "storage",
)

BELOW_PAGES = (
    "annotator.models",
    "annotator.errors",
    "annotator.queries",
    "annotator.services",
)

# package -> what of ours it may import (itself included by rule); the longest matching name counts.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "common": (),
    "storage": ("common",),
    "launcher": (),
    "simulation": ("common",),
    "model_server.sam": ("common",),
    "model_server.evaluation": ("common", "model_server.sam"),
    "model_server.training": (
        "common",
        "storage",
        "model_server.sam",
        "model_server.evaluation",
        "onnx_export",
    ),
    "model_server.automatic": ("common", "storage", "model_server.sam"),
    "model_server.worker": ("common", "storage", "model_server", "onnx_export"),
    "onnx_export": ("common", "storage", "model_server.sam"),
    "annotator.errors": ("common",),
    "annotator.models": ("common",),
    "annotator.queries": ("common", "annotator.models", "annotator.errors"),
    "annotator.services": (
        "common",
        "storage",
        "annotator.models",
        "annotator.errors",
        "annotator.queries",
    ),
    "annotator.api": (*BELOW_PAGES, "common", "storage"),
    "annotator.views": (*BELOW_PAGES, "common"),
    "annotator.management": (*BELOW_PAGES, "common", "storage"),
    "annotator.tasks": (*BELOW_PAGES, "common"),
    "annotator.consumers": ("annotator.models", "annotator.errors", "annotator.queries"),
    "annotator.middleware": ("annotator.services",),
    "annotator.migrations": ("annotator.models",),
    "annotator.apps": (),
    "config": ("annotator", "common"),
}

# library -> the only packages of ours that may import it
ONLY_IN: dict[str, tuple[str, ...]] = {
    "torch": ("model_server", "onnx_export"),
    "safetensors": ("model_server", "onnx_export"),
    "onnx": ("onnx_export", "model_server.worker"),
    "onnxscript": ("onnx_export",),
    "onnxruntime": (
        "onnx_export",
        "model_server.worker",
        "common.decoding",
    ),
    "django": ("annotator", "config"),
    "rest_framework": ("annotator.api",),
    "channels": ("annotator.consumers", "annotator.services.hints", "config"),
    "celery": (
        "annotator.tasks",
        "annotator.services",
        "common.pulse",
        "config",
        "model_server.worker",
    ),
    "fsspec": ("storage",),
    "pickle": (),
}

# Reading and writing rows is the business of these; the others call them.
MAY_USE_OBJECTS = (
    "annotator.models",
    "annotator.queries",
    "annotator.services",
    "annotator.migrations",
)

# Imports that wait until they are needed, and why.
IMPORTS_IN_FUNCTIONS: dict[str, str] = {
    "annotator.services.decoding": "browsers decode: a server that is never asked loads no onnxruntime",
    "model_server.worker.encoders": "a worker that has a graph and no GPU never loads torch",
    "model_server.training.evaluate": "OpenCV, of the classical methods, is a development dependency",
}


def sources() -> list[Path]:
    return sorted(
        path
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if "__pycache__" not in path.parts
    )


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of what a module imports: `from a.b import c` is a.b.c."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rule_for(module: str) -> str | None:
    fitting = [package for package in MAY_IMPORT if is_below(module, package)]
    return max(fitting, key=len, default=None)


def found_in_all(look: Callable[[str, ast.Module], Iterable[object]]) -> dict[str, list[object]]:
    """What `look` finds, by module; an empty dict is what every rule wants."""
    found = {module_of(path): list(look(module_of(path), tree_of(path))) for path in sources()}
    return {module: wrong for module, wrong in found.items() if wrong}


def test_a_module_imports_only_from_the_floors_below() -> None:
    def forbidden(module: str, tree: ast.Module) -> Iterator[str]:
        rule = rule_for(module)
        allowed = () if rule is None else (rule, *MAY_IMPORT[rule])
        for name in imported(tree):
            is_ours = any(is_below(name, package) for package in OURS)
            if is_ours and not any(is_below(name, package) for package in allowed):
                yield name

    assert found_in_all(forbidden) == {}


def test_a_library_is_used_only_where_it_belongs() -> None:
    def misplaced(module: str, tree: ast.Module) -> Iterator[str]:
        for name in imported(tree):
            for library, places in ONLY_IN.items():
                if is_below(name, library) and not any(is_below(module, one) for one in places):
                    yield name

    assert found_in_all(misplaced) == {}


def test_imports_are_absolute() -> None:
    def relative(module: str, tree: ast.Module) -> Iterator[int]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield node.lineno

    assert found_in_all(relative) == {}


def test_imports_stand_at_the_top() -> None:
    def inside(module: str, tree: ast.Module) -> Iterator[int]:
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        for function in (node for node in ast.walk(tree) if isinstance(node, functions)):
            for node in ast.walk(function):
                is_import = isinstance(node, (ast.Import, ast.ImportFrom))
                if is_import and module not in IMPORTS_IN_FUNCTIONS:
                    yield node.lineno

    assert found_in_all(inside) == {}


def test_rows_are_read_and_written_by_queries_and_services() -> None:
    def reaching(module: str, tree: ast.Module) -> Iterator[int]:
        is_allowed = any(is_below(module, one) for one in MAY_USE_OBJECTS)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "objects" and not is_allowed:
                yield node.lineno

    assert found_in_all(reaching) == {}


def test_nobody_listens_to_signals() -> None:
    def listening(module: str, tree: ast.Module) -> Iterator[str]:
        return (name for name in imported(tree) if is_below(name, "django.db.models.signals"))

    assert found_in_all(listening) == {}


def test_an_except_names_what_it_catches() -> None:
    def bare(module: str, tree: ast.Module) -> Iterator[int]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                yield node.lineno

    assert found_in_all(bare) == {}


BLOCKER = """
import importlib.abc, os, sys
blocked = set({blocked!r})
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{{name}} is not installed here")
sys.meta_path.insert(0, Blocker())
{then}
assert not blocked & {{name.partition(".")[0] for name in sys.modules}}
"""


def _run_without(blocked: set[str], then: str) -> subprocess.CompletedProcess[str]:
    program = BLOCKER.format(blocked=sorted(blocked), then=then)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_web_side_starts_without_torch() -> None:
    then = (
        "import config.asgi, config.celery, annotator.tasks, django.urls\n"
        "django.urls.get_resolver().url_patterns"
    )
    done = _run_without({"torch", "onnx", "onnxscript", "safetensors", "model_server"}, then)
    assert done.returncode == 0, done.stderr


def test_the_model_worker_starts_without_django() -> None:
    then = "import model_server.worker.celery_app, model_server.worker.tasks"
    done = _run_without(
        {"django", "rest_framework", "channels", "channels_redis", "annotator", "config"}, then
    )
    assert done.returncode == 0, done.stderr
