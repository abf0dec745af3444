"""Scores of model versions on pictures that the product never sees."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from common.coco_folder import CocoPicture
from common.metrics import number_of_clicks
from model_server.evaluation.clicking import Trace, click_through
from model_server.evaluation.images import EvaluationImage
from model_server.evaluation.network import NetworkSegmenter
from model_server.training.evaluate import load_predictor
from simulation.client import Client

TARGET = 0.85  # IoU at which the simulated people accept


@dataclass(frozen=True)
class HeldOutScores:
    """Means over reference masks of the standard simulation (docs/evaluation.md)."""

    num_masks: int
    miou_1: float  # mean IoU after one click
    miou_3: float
    noc: float  # clicks to IoU 0.85; the most that were made where it was never reached


@dataclass
class Scorer:
    """Scores each model version once; its files come from the product."""

    client: Client
    pictures: Sequence[CocoPicture]
    clicks: int  # at most, for each mask
    _known: dict[str, dict[str, object]] = field(default_factory=dict)  # by id of the model version

    def scores(self, model: str) -> dict[str, object]:
        """The scores as JSON."""
        if model not in self._known:
            with TemporaryDirectory() as folder:
                weights = self._fetch(model, Path(folder))
                self._known[model] = asdict(score(weights, self.pictures, self.clicks))
        return self._known[model]

    def _fetch(self, model: str, folder: Path) -> Path:
        """The weights of a model version with their configuration beside them."""
        address = self.client.get(f"/models/{model}")["files_url"]
        for name, local in (("weights.safetensors",) * 2, ("config.json", "weights.json")):
            (folder / local).write_bytes(self.client.get_bytes(address + name))
        return folder / "weights.safetensors"


def score(weights: Path, pictures: Sequence[CocoPicture], clicks: int) -> HeldOutScores:
    """Scores of weights on all reference masks of the pictures."""
    predictor = load_predictor(weights, 0)
    traces: list[Trace] = []
    for picture in pictures:
        image = EvaluationImage(
            path=picture.path,
            source=picture.source,
            width=picture.width,
            height=picture.height,
            numbers=tuple(range(len(picture.counts))),
            counts=picture.counts,
        )
        segmenter = NetworkSegmenter(predictor, predictor.embed(image.picture()))
        traces += click_through(segmenter, image.masks(), limit=clicks)
    return HeldOutScores(
        num_masks=len(traces),
        miou_1=float(np.mean([trace.iou_at(1) for trace in traces])),
        miou_3=float(np.mean([trace.iou_at(3) for trace in traces])),
        noc=float(np.mean([number_of_clicks(trace.ious, TARGET, clicks) for trace in traces])),
    )
