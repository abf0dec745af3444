"""The promptable segmentation network, with the names and shapes of the published checkpoints."""
