"""The model side: network, training and the GPU worker. Knows torch, never Django."""
