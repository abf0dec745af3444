"""Gradients of one step, in one process or under torchrun: `joint_gradients.py FOLDER OUT`."""

import sys
from pathlib import Path

import torch
from torch import Tensor

from model_server.sam.build import TINY, TINY_MAPS
from model_server.training.augmentation import Augmentation
from model_server.training.dataset import BatchDataset, read_coco_folder
from model_server.training.draws import Draws
from model_server.training.log import Stopwatch
from model_server.training.processes import Processes, joined_processes
from model_server.training.rounds import train_step
from model_server.training.settings import Phase, TrainSettings
from tests.model_server.random_weights import random_sam

IMAGES = 4  # over all processes


def gradients(folder: Path, processes: Processes) -> dict[str, Tensor]:
    """Averaged gradients after one step of a network without batch statistics."""
    phase = Phase(1.0, TINY.input_size, IMAGES // processes.count, 2, 5)
    settings = TrainSettings(
        (str(folder),), "", precision="fp32", silent_rounds="paper", box_share=0.5, phases=(phase,)
    )
    sam = random_sam(TINY).train()
    dataset = BatchDataset(
        read_coco_folder(folder, None),
        seed=1,
        input_size=phase.input_size,
        low_res_size=TINY.low_res_size,
        images_per_batch=phase.images_per_batch,
        masks_per_image=phase.masks_per_image,
        augmentation=Augmentation(),
        last_batch=1,
        first_image=processes.rank * phase.images_per_batch,
    )
    draws = Draws(1, 0, rank=processes.rank, num_processes=processes.count)
    watch = Stopwatch(processes.device, synchronised=False)
    train_step(sam, dataset[0], phase, settings, draws, watch)
    processes.average_gradients(sam)
    return {name: p.grad for name, p in sam.named_parameters() if p.grad is not None}


def statistics(processes: Processes) -> tuple[Tensor, Tensor]:
    """A running mean of this process before and after averaging."""
    encoder = random_sam(TINY_MAPS).image_encoder.train()
    torch.manual_seed(processes.rank)
    encoder(torch.randn(2, 3, 64, 64))
    before = encoder.state_dict()["stem.0.1.running_mean"].clone()
    processes.average_statistics(encoder)
    return before, encoder.state_dict()["stem.0.1.running_mean"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined_processes("cpu") as joined:
        found = {"gradients": gradients(Path(sys.argv[1]), joined), "mean": statistics(joined)}
        found["agreed"] = joined.agree(float(joined.rank), -float(joined.rank))
        torch.save(found, Path(sys.argv[2]) / f"{joined.rank}.pt")
