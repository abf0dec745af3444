"""Random numbers of a training step, a function of (seed, step): nothing to save, nothing to lose."""

import numpy as np
import torch
from torch import Tensor


class Draws:
    """Random numbers for the masks of one batch, and for the batch as a whole.

    With several processes each sees its own rows of the same table, so that a mask gets the
    numbers it would get if one process had the joint batch.
    """

    def __init__(self, *seed: int, rank: int = 0, num_processes: int = 1) -> None:
        self.generator = torch.Generator().manual_seed(mixed_seed(*seed))
        self.rank = rank
        self.num_processes = num_processes

    def shared(self) -> float:
        """A number in [0, 1) that all processes agree on."""
        return float(torch.rand((), generator=self.generator))

    def uniform(self, like: Tensor, rows: int, *columns: int) -> Tensor:
        """Numbers in [0, 1), [rows, *columns], on the device of `like`."""
        table = torch.rand(self.num_processes * rows, *columns, generator=self.generator)
        return self._own(table, rows).to(like.device)

    def normal(self, like: Tensor, rows: int, *columns: int) -> Tensor:
        """Standard normal numbers [rows, *columns], on the device of `like`."""
        table = torch.randn(self.num_processes * rows, *columns, generator=self.generator)
        return self._own(table, rows).to(like.device)

    def _own(self, table: Tensor, rows: int) -> Tensor:
        return table[self.rank * rows : (self.rank + 1) * rows]


def mixed_seed(*parts: int) -> int:
    """One seed out of several numbers; different numbers give unrelated seeds."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))
