"""Browser graphs of a network: prepare, decode, refine, the official contract, and the encoder."""
