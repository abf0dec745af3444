"""Where a run computes: one process, or several that `torchrun` started, each on its device."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch._dynamo  # an optimiser would, later: a process group that is there by then outlives its end
import torch.distributed as dist
from torch import Tensor, nn

from model_server.training.settings import Device


@dataclass(frozen=True)
class Processes:
    """The place of this process among those that train together."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def average_gradients(self, network: nn.Module) -> None:
        """Give all processes the mean of their gradients.

        All processes take the same path through the network, so they have the same gradients.
        """
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        self._average(grads)

    def average_statistics(self, network: nn.Module) -> None:
        """Give all processes the mean of their running batch statistics."""
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        self._average([t for m in norms for t in (m.running_mean, m.running_var) if t is not None])

    def agree(self, *values: float) -> tuple[float, ...]:
        """The largest of each value over all processes."""
        if self.count == 1:
            return values
        joint = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(joint, dist.ReduceOp.MAX)
        return tuple(joint.tolist())

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes."""
        values = values.clone()
        self._average([values])
        return values

    def _average(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in one message."""
        if self.count == 1 or not tensors:
            return
        joint = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(joint)
        parts = (joint / self.count).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


def choose_device(wanted: Device) -> torch.device:
    """The processor or this process's GPU."""
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def joined_processes(wanted: Device) -> Iterator[Processes]:
    """This process alone, or with the others that `torchrun` started."""
    device = choose_device(wanted)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes(device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(device, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
