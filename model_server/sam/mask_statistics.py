"""What masks show of their own quality: soft statistics that correct the predicted IoU.

A token cannot know well how its mask turned out. Whether a mask is sure of itself, keeps its shape
when the threshold moves, and how large it is beside the others are cheap to see in the logits, and
they rank candidates better. All are smooth, so that two ways to compute the logits agree on them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NUM_STATISTICS = 3
STRIDE = 2  # logits read, in each direction
STABILITY_OFFSET = 1.0  # in logits, on either side of the threshold
STABILITY_SLOPE = 4.0


class MaskStatistics(nn.Module):
    """A linear term of the predicted IoU; zero until trained or calibrated."""

    def __init__(self, num_tokens: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(num_tokens, num_tokens * NUM_STATISTICS))

    def forward(self, logits: Tensor) -> Tensor:
        """Map logits [P, K, H, W] of all K tokens to what to add to their predicted IoU [P, K]."""
        # Judging a mask must not change it: the mask loss alone does that.
        return F.linear(statistics_of(logits.detach()).flatten(1), self.weight)


def statistics_of(logits: Tensor) -> Tensor:
    """Confidence, stability and log share of the frame of each mask: [..., H, W] to [..., 3]."""
    read = logits[..., ::STRIDE, ::STRIDE].flatten(-2)
    chance = torch.sigmoid(read)
    area = chance.sum(-1) + 1
    confidence = (chance * chance).sum(-1) / area
    grown = soft_area(read + STABILITY_OFFSET)
    stability = soft_area(read - STABILITY_OFFSET) / grown
    return torch.stack([confidence, stability, torch.log(area / read.shape[-1])], -1)


def soft_area(logits: Tensor) -> Tensor:
    """Pixels above zero, with a soft edge and one to spare: [..., N] to [...]."""
    return torch.sigmoid(STABILITY_SLOPE * logits).sum(-1) + 1
