"""Turn a published checkpoint into our files: `python -m model_server.sam.convert`."""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from model_server.sam.build import CONFIGS, build_sam, config_to_json


def convert(checkpoint: Path, name: str, out: Path) -> Path:
    """Write `out`/NAME.safetensors and NAME.json from a flat .pth state dict; returns the former.

    Raises:
        RuntimeError: when an entry is missing, left over or of another shape.
    """
    config = CONFIGS[name]
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        sam = build_sam(config)
    sam.load_state_dict(state, strict=True, assign=True)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in sam.state_dict().items()}, str(path))
    described = {
        **config_to_json(config),
        "provenance": {"converted_from": checkpoint.name},
        "scores": {},
    }
    path.with_suffix(".json").write_text(json.dumps(described, indent=1))
    return path


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="for example sam_vit_b_01ec64.pth")
    parser.add_argument("--config", required=True, choices=sorted(CONFIGS))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    print(convert(options.checkpoint, options.config, options.out))


if __name__ == "__main__":
    main()
