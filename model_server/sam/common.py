"""Layers shared by the encoders, the prompt encoder and the mask decoder."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of a [B, C, H, W] map."""

    def __init__(self, num_channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each pixel over its channels; same shape as the input."""
        last = x.permute(0, 2, 3, 1)  # B H W C
        normed = F.layer_norm(last, self.weight.shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class DropPath(nn.Module):
    """Leaves the branch of a residual block out of some samples (stochastic depth).

    Does nothing until training sets `share`, and nothing in evaluation mode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.0  # of the samples that go without the branch

    def forward(self, branch: Tensor) -> Tensor:
        """Zero or scale up each sample of [B, ...], so that the mean stays the same."""
        if not self.training or self.share == 0:
            return branch
        kept = torch.rand(branch.shape[0], device=branch.device) >= self.share
        scale = kept.to(branch.dtype) / (1 - self.share)
        return branch * scale.reshape(-1, *[1] * (branch.ndim - 1))


class MLPBlock(nn.Module):
    """Two linear layers with an activation between; keys `lin1`, `lin2`."""

    def __init__(self, embed_dim: int, mlp_dim: int, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        self.lin1 = nn.Linear(embed_dim, mlp_dim)
        self.lin2 = nn.Linear(mlp_dim, embed_dim)
        self.act = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., C] to [..., C]."""
        return self.lin2(self.act(self.lin1(x)))
