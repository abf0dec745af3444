"""`python -m onnx_export`: make a model bundle from weights."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from common.manifest import Manifest
from model_server.sam.build import CONFIGS, SamConfig, build_sam, read_config
from onnx_export.bundle import make_bundle
from onnx_export.graphs import UnusableGraph
from onnx_export.verify import VerificationFailed

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "model_server" / "weights"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when the bundle stands."""
    asked = read_arguments(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    try:
        manifest = make(asked, say)
    except (UnusableGraph, VerificationFailed, FileExistsError, FileNotFoundError) as error:
        print(f"No bundle: {error}", file=sys.stderr)
        return 1
    size = sum(file.bytes for file in manifest.files.values()) / 1e6
    say(f"bundle {manifest.bundle_fingerprint[:12]} written to {asked.out} ({size:.0f} MB)")
    say(f"embeddings are named by encoder {manifest.encoder_fingerprint[:12]}")
    return 0


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m onnx_export", description=__doc__)
    parser.add_argument("--config", choices=sorted(CONFIGS), default="compact")
    parser.add_argument("--weights", type=Path, help="safetensors file; its JSON file lies beside")
    parser.add_argument("--random-weights", type=int, metavar="SEED", help="for tests")
    parser.add_argument("--out", type=Path, help="folder to write; default var/bundles/CONFIG")
    asked = parser.parse_args(arguments)
    asked.out = asked.out or Path("var/bundles") / asked.config
    return asked


def make(asked: argparse.Namespace, say: Any) -> Manifest:
    """Make the bundle that was asked for."""
    if asked.random_weights is not None:
        return make_random(CONFIGS[asked.config], asked.random_weights, asked.out, say)
    weights = asked.weights or WEIGHTS_FOLDER / f"{asked.config}.safetensors"
    beside = weights.with_suffix(".json")
    told = json.loads(beside.read_text()) if beside.exists() else {}
    config = read_config(beside) if "encoder" in told else CONFIGS[asked.config]
    say(f"weights {weights}, configuration {config.name}")
    return make_bundle(
        weights=weights,
        config=config,
        out=asked.out,
        scores=told.get("scores", {}),
        provenance=told.get("provenance", {}),
        say=say,
    )


def make_random(config: SamConfig, seed: int, out: Path, say: Any) -> Manifest:
    """A bundle whose weights nobody trained."""
    say(f"random weights, seed {seed}, configuration {config.name}")
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.safetensors"
        save_file(build_sam(config).state_dict(), weights)
        told = {"random_weights": seed}
        return make_bundle(
            weights=weights, config=config, out=out, scores={}, provenance=told, say=say
        )


if __name__ == "__main__":
    sys.exit(main())
