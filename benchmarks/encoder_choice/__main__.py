"""`python -m benchmarks.encoder_choice DATA OUT`: image encoders beside each other after equal training.

Each candidate starts from random weights and sees the same pictures, masks and clicks in the same order;
then it is scored on the folder's `dev` split at the frame it was trained at. A run that was cut off goes on.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import save_file

from benchmarks.encoder.__main__ import interleave, start_graph
from benchmarks.tables import describe_run, format_table, write_section
from model_server.evaluation.images import sample_images
from model_server.evaluation.network import evaluate_network
from model_server.evaluation.scores import summarise
from model_server.sam.build import (
    COMPACT,
    CompactSizes,
    EncoderSizes,
    SamConfig,
    VitSizes,
    build_sam,
    config_to_json,
)
from model_server.training.checkpoints import write_atomically
from model_server.training.evaluate import load_predictor, read_images, watched
from model_server.training.settings import Phase, TrainSettings
from model_server.training.train import train
from onnx_export.encoder import Encoder

TITLE = "Which encoder"
SEED = 3
CURVE = ("1", "3", "9")  # clicks in the table


@dataclass(frozen=True)
class Candidate:
    """An encoder in the network that is otherwise the bundled one."""

    words: str
    encoder: EncoderSizes

    def config(self, frame: int) -> SamConfig:
        """The whole network. Only the compact encoder gives masks the picture to follow."""
        edge_aware = self.encoder.kind == "compact"
        own = {"name": "candidate", "encoder": self.encoder, "edge_aware": edge_aware}
        return replace(COMPACT, input_size=frame, **own)


BUNDLED = CompactSizes(**vars(COMPACT.encoder))
CANDIDATES = {
    "hybrid": Candidate("the bundled one", BUNDLED),
    "convolutions": Candidate(
        "no attention, twice the blocks at stride 16",
        replace(BUNDLED, depths=(1, 2, 4), attention_blocks=0),
    ),
    "vit": Candidate(
        "a plain vision transformer, 16 px patches; no detail, no geodesic maps, no edges",
        VitSizes(width=192, depth=12, num_heads=3, global_blocks=(2, 5, 8, 11)),
    ),
    "thin": Candidate(
        "¾ of the channels, twice the blocks",
        replace(BUNDLED, widths=(48, 96, 192, 320), depths=(2, 4, 4)),
    ),
    "wide": Candidate(
        "more channels, one block a stage",
        replace(BUNDLED, widths=(80, 160, 320, 320), depths=(1, 1, 1)),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, score and time the candidates; print the table, and with `--write` record it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder_choice")
    parser.add_argument("data", type=Path, help="COCO folder with splits `train` and `dev`")
    parser.add_argument("out", type=Path, help="folder for the runs")
    parser.add_argument(
        "--candidates", nargs="+", choices=sorted(CANDIDATES), default=list(CANDIDATES)
    )
    parser.add_argument("--steps", type=int, default=400, help="of 8 pictures, 2 masks, 3 rounds")
    parser.add_argument("--frame", type=int, default=256, help="while training and scoring")
    parser.add_argument("--images", type=int, default=100, help="of `dev`; 0: all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    scores = {}
    for name in asked.candidates:
        folder = asked.out / name
        weights = train_candidate(CANDIDATES[name].config(asked.frame), folder, asked)
        scores[name] = score(weights, folder / f"scores-{asked.steps}-{asked.images}.json", asked)
    seconds = time_encoders(asked.candidates)
    head = ["encoder", "", "parameters, M", "IoU after 1 / 3 / 9 clicks", "by source"]
    head += ["best of three", "one picture takes"]
    rows = [
        [name, CANDIDATES[name].words, *row(name, scores[name], seconds)]
        for name in asked.candidates
    ]
    first = scores[asked.candidates[0]]
    told = (
        f"{describe_run('python -m benchmarks.encoder_choice')}. {asked.steps} steps of 8 pictures, 2 masks"
        f" each, 3 rounds, from random weights, frame {asked.frame}, seed {SEED}; {first['num_masks']} masks of"
        f" `dev`. The last column: the encoder at {COMPACT.input_size} px through onnxruntime, relative to the"
        f" first row, side by side in one run."
    )
    text = f"{told}\n\n{format_table(head, rows)}"
    print(text)
    if asked.write:
        write_section(TITLE, text)


def train_candidate(config: SamConfig, folder: Path, asked: argparse.Namespace) -> Path:
    """The averaged weights after the asked number of steps."""
    folder.mkdir(parents=True, exist_ok=True)
    start = folder / "start.safetensors"
    if not start.exists():
        torch.manual_seed(SEED)
        sam = build_sam(config)
        start.with_suffix(".json").write_text(json.dumps(config_to_json(config)))
        write_atomically(start, lambda path: save_file(sam.state_dict(), str(path)))
    settings = TrainSettings(
        data=(str(asked.data),),
        out=str(folder),
        init=str(start),
        steps=asked.steps,
        phases=(Phase(1.0, asked.frame, 8, 2, 3, 0.7, 2.2),),
        warm_up_steps=50,
        ema_decay=0.98,  # of a short run
        interior_share=0.6,
        iou_weight=5.0,
        others_share=0.25,
        seed=SEED,
        threads=asked.threads,
    )
    return train(settings, resume=True)


def score(weights: Path, place: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Centre clicks on `dev` at the frame of the training; the numbers are kept in `place`."""
    if not place.exists():
        images = sample_images(read_images(asked.data, "dev"), asked.images)
        predictor = load_predictor(weights, asked.frame)
        found = evaluate_network(predictor, images, protocols=("centre",))
        scores = summarise(watched(weights.parent.name, found, len(images)))
        text = json.dumps(asdict(scores))
        write_atomically(place, lambda path: path.write_text(text))
    numbers: dict[str, Any] = json.loads(place.read_text())
    return numbers


def time_encoders(names: Sequence[str]) -> dict[str, float]:
    """Seconds for one picture at the frame of use, median of five, taking turns."""
    image = torch.randn(1, 3, COMPACT.input_size, COMPACT.input_size)
    graphs = {
        name: start_graph(
            Encoder(build_sam(CANDIDATES[name].config(COMPACT.input_size))).eval(), image
        )
        for name in names
    }
    for run in graphs.values():
        run()
    return {name: median(taken) for name, taken in interleave(graphs, 5).items()}


def row(name: str, scores: dict[str, Any], seconds: dict[str, float]) -> list[str]:
    """The numbers of one candidate."""
    sam = build_sam(CANDIDATES[name].config(COMPACT.input_size))
    size = sum(parameter.numel() for parameter in sam.parameters()) / 1e6
    first = next(iter(seconds.values()))
    return [
        f"{size:.1f}",
        *(
            " / ".join(f"{scores[measure][count]:.2f}" for count in CURVE)
            for measure in ("miou_at", "miou_by_source_at")
        ),
        f"{scores['oracle_miou_at_1']:.2f}",
        f"{seconds[name] / first:.2f}×",
    ]


if __name__ == "__main__":
    main()
