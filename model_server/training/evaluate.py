"""Scores of weights on reference masks: `python -m model_server.training.evaluate`.

Prints the scores as JSON; `--json` also writes every mask and click, `--html` a report to look at.
What each number means: docs/evaluation.md.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError

from common import rle
from model_server.evaluation.images import EvaluationImage, sample_images, sample_masks
from model_server.evaluation.network import PROTOCOLS, evaluate_network
from model_server.evaluation.report import Report, write_report
from model_server.evaluation.results import ImageResult
from model_server.evaluation.scores import Scores, summarise
from model_server.sam.build import build_sam, load_weights, read_config
from model_server.sam.predictor import Predictor
from model_server.training.dataset import ImageRecord, decode_mask, read_coco_folder

Result = TypeVar("Result")
BASELINES = ("grabcut", "random_walker", "geodesic")


def read_images(folder: Path, split: str | None) -> list[EvaluationImage]:
    """The images of a COCO folder with their masks; empty masks cannot be clicked and are left out."""
    images = [as_evaluation_image(record) for record in read_coco_folder(folder, split)]
    return [image for image in images if image.counts]


def as_evaluation_image(record: ImageRecord) -> EvaluationImage:
    """A record of the training data as something to be scored on."""
    masks = {number: decode_mask(counts) for number, counts in enumerate(record.rles)}
    kept = {number: rle.encode(mask) for number, mask in masks.items() if mask.any()}
    return EvaluationImage(
        path=record.path,
        source=record.source,
        width=record.width,
        height=record.height,
        numbers=tuple(kept),
        counts=tuple(kept.values()),
    )


def load_predictor(weights: Path, input_size: int) -> Predictor:
    """The network of `weights` and the .json beside them; `input_size` 0 keeps its own frame."""
    sam = build_sam(read_config(weights.with_suffix(".json")))
    load_weights(sam, weights)
    if input_size:
        sam.resize_frame(input_size)
    return Predictor(sam)


def load_or_exit(*weights: Path, input_size: int = 0) -> list[Predictor]:
    """The networks; ends the program with one line when some weights do not fit this version's network."""
    try:
        return [load_predictor(path, input_size) for path in weights]
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        sys.exit(f"The weights do not fit the network of this version: {str(error)[:500]}")


def watched(name: str, results: Iterable[Result], total: str) -> list[Result]:
    """The results, with a line of progress on stderr; `total` says how many of what will come."""
    done: list[Result] = []
    for result in results:
        done.append(result)
        print(f"\r{name}: {len(done)} of {total}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done


def evaluate(options: argparse.Namespace) -> dict[str, list[ImageResult]]:
    """Results by method: `model`, and the baselines that were asked for."""
    images = sample_images(read_images(options.data, options.split or None), options.images)
    images = [sample_masks(image, options.max_masks_per_image) for image in images]
    (predictor,) = load_or_exit(options.weights, input_size=options.input_size)
    total = f"{len(images)} images"
    found = evaluate_network(predictor, images, protocols=options.protocols)
    results = {"model": watched("model", found, total)}
    if options.baselines:
        from model_server.evaluation.baselines import evaluate_baseline

        for name in options.baselines:
            found = evaluate_baseline(name, images, options.threads)
            results[name] = watched(name, found, total)
    return results


def everything(
    settings: dict[str, Any], results: dict[str, list[ImageResult]], scores: dict[str, Scores]
) -> dict[str, Any]:
    """What `--json` writes: the settings, and for each method its scores and every mask."""
    methods = {
        name: {"scores": asdict(scores[name]), "images": [image_facts(i) for i in results[name]]}
        for name in results
    }
    return {"settings": settings, "methods": methods}


def image_facts(result: ImageResult) -> dict[str, Any]:
    """One image with its masks; the pictures and rasters stay where they are."""
    masks = [asdict(mask) for mask in result.masks]
    for mask in masks:
        for trace in (mask["centre"], mask["random"]):
            if trace:
                del trace["counts_at"]
    return {"image": result.image.name, "source": result.image.source, "masks": masks}


def rounded(value: Any) -> Any:
    """JSON values with floats to four places."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="its .json lies beside it")
    parser.add_argument("--data", type=Path, required=True, help="COCO folder")
    parser.add_argument("--split", default="dev", help="empty: every image")
    parser.add_argument("--images", type=int, default=0, help="a fixed sample; 0: all")
    parser.add_argument("--max-masks-per-image", type=int, default=0, help="0: all")
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS, help="default: all"
    )
    parser.add_argument(
        "--baselines",
        nargs="*",
        choices=BASELINES,
        default=[],
        help="classical methods on the same masks; slow",
    )
    parser.add_argument("--json", type=Path, help="write scores and every mask to this file")
    parser.add_argument("--html", type=Path, help="write a report to this file")
    parser.add_argument("--input-size", type=int, default=0, help="another model frame; 0: its own")
    parser.add_argument("--threads", type=int, default=1, help="for the baselines: processes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate weights on a split of a COCO folder."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    results = evaluate(options)
    scores = {name: summarise(found) for name, found in results.items()}
    settings = {
        "weights": options.weights.name,
        "data": options.data.resolve().name,
        "split": options.split,
        "images": options.images,
        "max_masks_per_image": options.max_masks_per_image,
        "protocols": list(options.protocols),
        "input_size": options.input_size,
    }
    if options.json:
        facts = rounded(everything(settings, results, scores))
        options.json.write_text(json.dumps(facts, separators=(",", ":")))
    if options.html:
        write_report(options.html, Report(settings, results, scores))
    print(json.dumps(rounded({name: asdict(found) for name, found in scores.items()}), indent=1))


if __name__ == "__main__":
    main()
