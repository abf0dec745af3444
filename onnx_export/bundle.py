"""Makes a model bundle: weights, graphs and manifest in one folder, verified before it appears."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.manifest import (
    CONFIG_NAME,
    ENCODER_GRAPH,
    MANIFEST_NAME,
    WEIGHTS_NAME,
    Manifest,
    describe_file,
    fingerprint_files,
)
from model_server.sam.build import SamConfig, build_sam, config_to_json, load_weights, read_config
from onnx_export.encoder import ENCODER_LIMIT_BYTES, count_encoder_bytes
from onnx_export.fingerprint import fingerprint_encoder
from onnx_export.graphs import export_graph, plan_graphs
from onnx_export.verify import Difference, verify_graphs

Say = Callable[[str], None]


def make_bundle(
    *,
    weights: Path,
    config: SamConfig | Path,
    out: Path,
    scores: Mapping[str, Any],
    provenance: Mapping[str, Any],
    say: Say = lambda _: None,
    encoder_limit_bytes: int = ENCODER_LIMIT_BYTES,
) -> Manifest:
    """Write the bundle of one checkpoint to the folder `out`, replacing a bundle that is there.

    `say` is told what is being done. Nothing appears at `out` before everything is verified.
    An encoder above the limit has no graph in the bundle.

    Raises:
        VerificationFailed: a graph differs from torch.
        UnusableGraph: a graph cannot stand alone.
        FileExistsError: `out` is something else than a bundle.
    """
    refuse_foreign(out)
    config = read_config(config) if isinstance(config, Path) else config
    sam = build_sam(config)
    load_weights(sam, weights)
    plans, graphs = plan_graphs(sam, encoder_limit_bytes=encoder_limit_bytes), {}
    if ENCODER_GRAPH not in plans:
        say(
            f"no encoder graph: an encoder of {count_encoder_bytes(sam) / 1e6:.0f} MB is larger"
            " than a single ONNX file may be; workers encode with torch"
        )
    for name, plan in plans.items():
        say(f"exporting {name}")
        graphs[name] = export_graph(plan)
    say("comparing all graphs with torch")
    worst = largest(verify_graphs(sam, graphs))
    say(f"largest difference {worst.value:.2g} ({worst.graph}, {worst.case})")
    files = {
        WEIGHTS_NAME: weights.read_bytes(),
        CONFIG_NAME: (json.dumps(config_to_json(config), indent=2) + "\n").encode(),
        **graphs,
    }
    told = dict(provenance) | {"verification": asdict(worst)}
    prepared = tuple(plans["prepare.onnx"].outputs)
    manifest = describe(config, fingerprint_encoder(sam, config), prepared, files, scores, told)
    write_folder(out, files | {MANIFEST_NAME: manifest.to_json().encode()})
    return manifest


def largest(differences: list[Difference]) -> Difference:
    """The largest difference."""
    return max(differences, key=lambda found: found.value)


def describe(
    config: SamConfig,
    encoder_fingerprint: str,
    prepared: tuple[str, ...],
    files: Mapping[str, bytes],
    scores: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Manifest:
    """The manifest of these files."""
    entries = {name: describe_file(content) for name, content in files.items()}
    return Manifest(
        name=config.name,
        config=json.loads(files[CONFIG_NAME]),
        input_size=config.input_size,
        embed_dim=config.embedding_channels,
        grid=config.grid,
        low_res=config.low_res_size,
        prompt_maps=config.prompt_maps,
        encoder_fingerprint=encoder_fingerprint,
        bundle_fingerprint=fingerprint_files(entries),
        files=entries,
        prepared=prepared,
        scores=scores,
        provenance=provenance,
    )


def refuse_foreign(out: Path) -> None:
    """Replace bundles only.

    Raises:
        FileExistsError: `out` exists, is not empty and holds no manifest.
    """
    if not out.exists() or (out / MANIFEST_NAME).exists():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise FileExistsError(f"{out} exists and is not a model bundle")


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside `out`, make it durable, then put it in place by renaming."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, content in files.items():
            write_durably(fresh / name, content)
        fresh.chmod(0o755)
        swap(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write and flush one file to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def swap(fresh: Path, out: Path) -> None:
    """Rename `fresh` to `out`; a folder that was there is moved away first, then deleted."""
    if not out.exists():
        fresh.rename(out)
        return
    old = fresh.with_name(fresh.name + "-old")
    out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old)
