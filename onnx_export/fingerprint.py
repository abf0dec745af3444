"""The encoder fingerprint: everything that decides the numbers in an embedding."""

import hashlib
import json
from collections.abc import Iterator

from model_server.sam.build import SamConfig, config_to_json
from model_server.sam.sam import PIXEL_MEAN, PIXEL_STD, Sam

COUNTER_SUFFIX = ".num_batches_tracked"  # batch norms count their training steps; nobody reads it
RESIZING = "longest side, bilinear, antialiased, zero padding right and bottom"


def fingerprint_encoder(sam: Sam, config: SamConfig) -> str:
    """SHA-256 over encoder weights, encoder configuration, preprocessing and input size."""
    digest = hashlib.sha256(json.dumps(preprocessing(config), sort_keys=True).encode())
    for part in encoder_parts(sam):
        digest.update(part)
    return digest.hexdigest()


def preprocessing(config: SamConfig) -> dict[str, object]:
    """How a picture becomes the encoder's input."""
    return {
        "encoder": config_to_json(config)["encoder"],
        "embed_dim": config.embedding_channels,
        "input_size": config.input_size,
        "mean": PIXEL_MEAN,
        "std": PIXEL_STD,
        "resizing": RESIZING,
    }


def encoder_parts(sam: Sam) -> Iterator[bytes]:
    """Name, type, shape and content of every encoder tensor, in the order of names."""
    state = sam.image_encoder.state_dict()
    for name in sorted(state):
        if name.endswith(COUNTER_SUFFIX):
            continue
        array = state[name].detach().cpu().contiguous().numpy()
        yield f"{name} {array.dtype.str} {array.shape}\n".encode()
        yield array.tobytes()
