"""Networks with weights that are all different from zero and from each other."""

import torch

from model_server.sam.build import SamConfig, build_sam
from model_server.sam.sam import Sam


def random_sam(config: SamConfig, seed: int = 0) -> Sam:
    """A network in evaluation mode whose every entry is drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    sam = build_sam(config)
    with torch.no_grad():
        for name, value in sam.state_dict().items():
            if not value.is_floating_point():
                continue
            drawn = torch.randn(value.shape, generator=generator)
            if name.endswith("running_var"):
                value.copy_(1 + 0.2 * drawn.abs())
            elif value.ndim >= 2 and value.shape[0] > 1 and "gaussian" not in name:
                value.copy_(drawn / value[0].numel() ** 0.5)
            elif name.endswith("weight") and value.ndim == 1:
                value.copy_(1 + 0.2 * drawn)
            else:
                value.copy_(0.5 * drawn)
    return sam.eval()
