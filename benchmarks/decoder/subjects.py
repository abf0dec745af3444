"""The networks whose decoders are measured, and their graphs as files."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from model_server.sam.build import COMPACT, TINY, VIT_B, SamConfig, build_sam, load_weights
from onnx_export.graphs import export_graph, plan_graphs

COMPACT_WEIGHTS = (
    Path(__file__).resolve().parent.parent.parent / "model_server/weights/compact.safetensors"
)
GRAPHS = ("prepare.onnx", "decode.onnx", "refine.onnx", "official.onnx")
SEED = 7
LIVELINESS = 3.0  # factor on random matrices, so that logits are as large as trained ones

# The published decoder; its encoder is not measured here, so a minute one stands in.
PUBLISHED = replace(VIT_B, name="published", encoder=TINY.encoder)


@dataclass(frozen=True)
class Subject:
    """What the page needs to know about one network."""

    name: str
    title: str
    width: int  # channels of the embedding
    grid: int
    inputSize: int  # spelt as the page reads it


def make_subjects(folder: Path) -> list[dict[str, object]]:
    """Export the graphs of both networks under `folder`; returns what the page needs."""
    chosen = (
        (PUBLISHED, "published decoder (ViT-B, L, H and MobileSAM), random weights", None),
        (
            COMPACT,
            f"compact, {'trained' if COMPACT_WEIGHTS.exists() else 'random'} weights",
            COMPACT_WEIGHTS,
        ),
    )
    return [asdict(make_subject(folder, *one)) for one in chosen]


def make_subject(folder: Path, config: SamConfig, title: str, weights: Path | None) -> Subject:
    """Export one network's graphs."""
    torch.manual_seed(SEED)
    sam = build_sam(config).eval()
    if weights is not None and weights.exists():
        load_weights(sam, weights)
    else:
        enliven(sam)
    plans = plan_graphs(sam)
    place = folder / config.name
    place.mkdir(parents=True)
    for name in GRAPHS:
        (place / name).write_bytes(export_graph(plans[name]))
    return Subject(config.name, title, config.embedding_channels, config.grid, config.input_size)


def enliven(network: torch.nn.Module) -> None:
    """Scale random matrices up: attention that is not flat, logits that are not near zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter *= LIVELINESS
