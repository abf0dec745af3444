"""Training and evaluation of the network on folders of images with masks."""
