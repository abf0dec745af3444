"""Makes a bundle from weights, in a process of its own: `python -m model_server.worker.make_bundle`.

A training worker itself never loads torch; this child does, and gives the memory back when it ends.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from safetensors.torch import load_file, save_file

from onnx_export.bundle import make_bundle

ENCODER_PREFIX = "image_encoder."


def main(arguments: list[str] | None = None) -> None:
    """Write the bundle folder that the options name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--encoder-from", type=Path, help="weights whose encoder is kept, bit by bit"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--facts", type=Path, required=True, help="JSON: scores, provenance")
    options = parser.parse_args(arguments)
    facts = json.loads(options.facts.read_text())
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights
        if options.encoder_from:
            weights = Path(folder) / "weights.safetensors"
            keep_encoder(trained=options.weights, base=options.encoder_from, out=weights)
        make_bundle(
            weights=weights,
            config=options.config,
            out=options.out,
            scores=facts["scores"],
            provenance=facts["provenance"],
        )


def keep_encoder(*, trained: Path, base: Path, out: Path) -> None:
    """The trained weights with the encoder of the base, so that its embeddings stay valid."""
    weights = load_file(trained)
    kept = {name: t for name, t in load_file(base).items() if name.startswith(ENCODER_PREFIX)}
    save_file(weights | kept, out)


if __name__ == "__main__":
    main()
