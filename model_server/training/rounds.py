"""One step's forward and backward passes: all interaction rounds of a batch on one encoder pass."""

import torch
from torch import Tensor

from model_server.sam.sam import Sam, best_candidate, select_masks
from model_server.training.dataset import Batch
from model_server.training.draws import Draws
from model_server.training.interaction import correction_points, first_prompts, new_points
from model_server.training.log import Stopwatch
from model_server.training.losses import crossing_loss, round_loss
from model_server.training.settings import Phase, TrainSettings


def train_step(
    sam: Sam,
    batch: Batch,
    phase: Phase,
    settings: TrainSettings,
    draws: Draws,
    watch: Stopwatch,
) -> dict[str, Tensor]:
    """Add the gradients of all rounds of one batch; returns scalars for the log.

    Unless rounds are linked, the logits passed on are detached, so that each round is differentiated
    by itself and only the embedding gathers gradients over rounds. The loss is the mean over rounds
    and masks.
    """
    bf16 = settings.precision == "bf16"
    products = torch.autocast(batch.pixels.device.type, torch.bfloat16, enabled=bf16)
    pixels = sam.normalise(batch.pixels.float()).contiguous(memory_format=torch.channels_last)
    targets = batch.targets.flatten(0, 1)  # P 4g 4g
    with products:
        embeddings = sam.image_encoder(pixels)  # B C g g
    gathered = embeddings.detach().requires_grad_()
    watch.lap("encoder")

    prompts = first_prompts(
        targets,
        phase.input_size,
        box_share=settings.box_share,
        interior_share=settings.interior_share,
        draws=draws,
    )
    adds_point = new_points(phase.rounds, settings.silent_rounds, settings.silent_share, draws)
    previous: Tensor | None = None
    pending = targets.new_zeros(())  # loss that waits to be differentiated
    seen: dict[str, Tensor] = {}
    for number in range(phase.rounds):
        if previous is not None and adds_point[number - 1]:
            prompts = prompts.with_points(
                *correction_points(
                    previous.squeeze(1),
                    targets,
                    phase.input_size,
                    interior_share=settings.interior_share,
                    draws=draws,
                )
            )
        watch.lap("clicks")
        with products:
            narrow = gathered.bfloat16() if bf16 else gathered
            masks, iou = sam.decode_points(narrow, prompts.points, prompts.labels, previous)
        masks, iou = select_masks(masks.float(), iou.float(), several=number > 0)
        loss, reached = round_loss(
            masks,
            iou,
            targets,
            settings.mask_loss,
            iou_weight=settings.iou_weight,
            others_share=settings.others_share,
            iou_of=settings.iou_of,
        )
        watch.lap("decoder")
        pending = pending + loss / phase.rounds
        if not settings.link_rounds or number + 1 == phase.rounds:
            pending.backward()
            pending = torch.zeros_like(loss)
        watch.lap("decoder_backward")
        seen[f"loss_{number + 1}"] = loss.detach()
        seen[f"iou_{number + 1}"] = reached.gather(1, iou.argmax(1, keepdim=True)).mean()
        if number == 0:
            seen["oracle_1"] = reached.amax(1).mean()
        previous, _ = best_candidate(masks if settings.link_rounds else masks.detach(), iou)

    if embeddings.requires_grad:
        if sam.prompt_encoder.geodesic is not None and settings.crossing_weight:
            loss = crossing_loss(gathered[:, -1:], batch.targets)
            (settings.crossing_weight * loss).backward()
            seen["loss_crossing"] = loss.detach()
        embeddings.backward(gathered.grad)
    watch.lap("encoder_backward")
    return seen
