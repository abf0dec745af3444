"""Turn a published checkpoint into our files: `python -m model_server.sam.convert`."""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from model_server.sam.build import CONFIGS, build_sam, config_to_json

State = dict[str, Tensor]
Shapes = dict[str, torch.Size]


class BadCheckpoint(RuntimeError):
    """A file that is no checkpoint of the network that was asked for."""


def convert(checkpoint: Path, name: str, out: Path) -> Path:
    """Write `out`/NAME.safetensors and NAME.json from a flat .pth state dict; returns the former.

    Raises:
        BadCheckpoint: the file is damaged or holds more than weights, or an entry is missing, left over or of
            another shape.
    """
    config = CONFIGS[name]
    state = read_checkpoint(checkpoint)
    with torch.device("meta"):
        sam = build_sam(config)
    problem = misfit(state, shapes_of(name))
    if problem:
        fitting = [other for other in CONFIGS if not misfit(state, shapes_of(other))]
        advice = f" It fits {' and '.join(fitting)}." if fitting else ""
        raise BadCheckpoint(f"{checkpoint.name} does not fit {name}: {problem}.{advice}")
    sam.load_state_dict(state, strict=True, assign=True)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in sam.state_dict().items()}, str(path))
    with checkpoint.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    described = {
        **config_to_json(config),
        "provenance": {"converted_from": checkpoint.name, "sha256": sha256},
        "scores": {},
    }
    path.with_suffix(".json").write_text(json.dumps(described, indent=1))
    return path


def read_checkpoint(path: Path) -> State:
    """The tensors of a .pth file; a file that holds anything else is never loaded, since it could run code.

    Raises:
        BadCheckpoint: it is damaged, or not tensors alone.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the archive, the unpickler and torch each have their own
        raise BadCheckpoint(
            f"{path.name} is damaged or holds more than weights, and was not loaded: a file that holds more could"
            " run code on this server."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(each, Tensor) for each in state.values()):
        raise BadCheckpoint(f"{path.name} is no flat dictionary of tensors.")
    return state


def shapes_of(name: str) -> Shapes:
    """The entries of a network with their shapes; no memory is taken for them."""
    with torch.device("meta"):
        return {key: value.shape for key, value in build_sam(CONFIGS[name]).state_dict().items()}


def misfit(state: State, shapes: Shapes) -> str:
    """What keeps weights from being those of a network, in words; "" when nothing does."""
    found = {
        "missing": [key for key in shapes if key not in state],
        "left over": [key for key in state if key not in shapes],
        "of another shape": [
            key for key, shape in shapes.items() if key in state and state[key].shape != shape
        ],
    }
    return ", ".join(
        f"{len(keys)} {'entry' if len(keys) == 1 else 'entries'} {what} ({keys[0]})"
        for what, keys in found.items()
        if keys
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="for example sam_vit_b_01ec64.pth")
    parser.add_argument("--config", required=True, choices=sorted(CONFIGS))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        print(convert(options.checkpoint, options.config, options.out))
    except BadCheckpoint as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
