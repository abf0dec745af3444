"""Refit the predicted IoU of finished weights: `python -m model_server.training.calibrate`.

In training the IoU head chases masks that still change, on prompts that are mostly corrections, and
ends up ranking the three candidates of a first click little better than chance. Its last layer and
the mask statistics are linear, so their best weights on finished masks have a closed form.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from model_server.sam.build import build_sam, load_weights, read_config
from model_server.sam.mask_statistics import statistics_of
from model_server.sam.sam import Sam, best_candidate, select_masks
from model_server.training.augmentation import Augmentation
from model_server.training.checkpoints import half_precision, write_atomically
from model_server.training.dataset import Batch, BatchDataset, read_coco_folder
from model_server.training.draws import Draws
from model_server.training.interaction import correction_points, first_prompts
from model_server.training.losses import true_iou

PLAIN = Augmentation(min_scale=1.0, max_scale=1.0, colour_strength=0.0, grey_share=0.0)
IMAGES_PER_BATCH = 2
MASKS_PER_IMAGE = 6
ROUNDS = 4  # prompts per mask: the first judges tokens 1 to 3, the others token 0
BOX_SHARE = 0.25
JUDGED_SHARE = 0.2  # of the batches, to compare before and after on
MIN_SPREAD = 0.01  # a hidden unit that is nearly always off must not get a large weight for it
RIDGE = 0.03  # pull towards the present weights, per prediction and standard deviation


@dataclass(frozen=True)
class Predictions:
    """What K tokens predicted for P prompts."""

    features: Tensor  # [P, F] what the linear part reads: hidden units, then statistics
    predicted: Tensor  # [P, K] IoU
    reached: Tensor  # [P, K] IoU

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """All prompts of several parts."""
        names = ("features", "predicted", "reached")
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Change:
    """What to add to the linear part of K tokens."""

    weights: Tensor  # [K, F]
    bias: Tensor  # [K]

    def apply_to(self, predictions: Predictions) -> Tensor:
        """The predicted IoU [P, K] with this change."""
        return predictions.predicted + predictions.features @ self.weights.T + self.bias


@dataclass(frozen=True)
class Scores:
    """How well candidates of first prompts are ranked, and how far predictions are off."""

    chosen: float  # mean IoU of the candidate predicted best
    best: float  # of the best candidate
    error: float  # mean absolute error of all predicted IoU

    @classmethod
    def of(cls, predicted: Tensor, reached: Tensor) -> "Scores":
        """Scores of IoU predicted and reached, [P, K] both."""
        chosen = reached.gather(1, predicted.argmax(1, keepdim=True))
        error = (predicted - reached).abs().mean()
        return cls(float(chosen.mean()), float(reached.amax(1).mean()), float(error))

    def __str__(self) -> str:
        """One line."""
        return f"chosen {self.chosen:.3f}, best {self.best:.3f}, error {self.error:.3f}"


def calibrate(sam: Sam, batches: Iterable[Batch], *, seed: int = 1) -> tuple[Scores, Scores]:
    """Refit `sam` in place; returns scores of first prompts on batches kept out, before and after.

    Raises:
        ValueError: the network has no mask statistics, or there are fewer than two batches.
    """
    draws = Draws(seed)
    collected = [collect(sam.eval(), batch, draws) for batch in batches]
    if len(collected) < 2:
        raise ValueError("calibrating takes at least two batches")
    num_judged = max(1, round(JUDGED_SHARE * len(collected)))
    first, later = ([part[i] for part in collected] for i in range(2))
    judged, trial = Predictions.joined(first[:num_judged]), fit(first[num_judged:])
    change(sam, fit(later), fit(first))
    before = Scores.of(judged.predicted, judged.reached)
    return before, Scores.of(trial.apply_to(judged), judged.reached)


@torch.no_grad()
def collect(sam: Sam, batch: Batch, draws: Draws) -> tuple[Predictions, Predictions]:
    """What tokens 1 to 3 predict for first prompts, and token 0 for later clicks.

    Raises:
        ValueError: the network has no mask statistics.
    """
    if sam.mask_decoder.mask_statistics is None:
        raise ValueError("only a network with mask statistics is calibrated")
    size = sam.prompt_encoder.input_size
    targets = batch.targets.flatten(0, 1)  # P 4g 4g
    embeddings = sam.image_encoder(sam.normalise(batch.pixels.float()))
    prompts = first_prompts(targets, size, box_share=BOX_SHARE, interior_share=1.0, draws=draws)
    last = sam.mask_decoder.iou_prediction_head.layers[-1]
    hidden: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, read: hidden.append(read[0]))
    previous: Tensor | None = None
    rounds: list[Predictions] = []
    for number in range(ROUNDS):
        masks, iou = sam.decode_points(embeddings, prompts.points, prompts.labels, previous)
        features = torch.cat([hidden[-1], statistics_of(masks).flatten(1)], 1)
        masks, iou = select_masks(masks, iou, several=number > 0)
        rounds.append(Predictions(features, iou, true_iou(masks, targets)))
        previous, _ = best_candidate(masks, iou)
        prompts = prompts.with_points(
            *correction_points(previous[:, 0], targets, size, interior_share=1.0, draws=draws)
        )
    hook.remove()
    return rounds[0], Predictions.joined(rounds[1:])


def fit(parts: Sequence[Predictions]) -> Change:
    """The change that predicts the IoU best, by ridge regression."""
    predictions = Predictions.joined(parts)
    features = predictions.features.double()  # P F
    residual = (predictions.reached - predictions.predicted).double()  # P K
    centre, spread = features.mean(0), features.std(0).clamp(min=MIN_SPREAD)
    scaled = (features - centre) / spread
    penalty = RIDGE * len(features) * torch.eye(len(centre), dtype=features.dtype)
    weights = torch.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ residual).T / spread  # K F
    return Change(weights.float(), (residual.mean(0) - weights @ centre).float())


@torch.no_grad()
def change(sam: Sam, several: Change, alone: Change) -> None:
    """Add to the linear part: `several` to token 0, `alone` to tokens 1 to 3."""
    decoder = sam.mask_decoder
    assert decoder.mask_statistics is not None
    last = decoder.iou_prediction_head.layers[-1]
    assert isinstance(last, nn.Linear)
    weights = torch.cat([several.weights, alone.weights])
    num_units = last.weight.shape[1]
    last.weight.add_(weights[:, :num_units])
    last.bias.add_(torch.cat([several.bias, alone.bias]))
    decoder.mask_statistics.weight.add_(weights[:, num_units:])


def plain_batches(sam: Sam, data: Path, split: str, count: int) -> Iterable[Batch]:
    """Whole pictures of a COCO folder with some of their masks, `count` batches."""
    dataset = BatchDataset(
        read_coco_folder(data, split or None),
        seed=0,
        input_size=sam.prompt_encoder.input_size,
        low_res_size=sam.prompt_encoder.low_res_size,
        images_per_batch=IMAGES_PER_BATCH,
        masks_per_image=MASKS_PER_IMAGE,
        augmentation=PLAIN,
        last_batch=count,
    )
    return (dataset[number] for number in range(count))


def main(arguments: list[str] | None = None) -> None:
    """Refit a weights file in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="COCO folder")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors, written in place")
    parser.add_argument("--split", default="train", help="empty: every image of the folder")
    parser.add_argument("--batches", type=int, default=100, help=f"of {IMAGES_PER_BATCH} images")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    sam = build_sam(read_config(options.weights.with_suffix(".json")))
    load_weights(sam, options.weights)
    batches = plain_batches(sam, options.data, options.split, options.batches)
    before, after = calibrate(sam, batches)
    stored = half_precision(sam.state_dict())
    write_atomically(options.weights, lambda path: save_file(stored, str(path)))
    print(f"before: {before}\nafter:  {after}")


if __name__ == "__main__":
    main()
