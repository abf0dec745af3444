"""From the bytes of a picture to its embedding."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.embedding_format import Embedding, EmbeddingName, Frame
from common.model_frame import ModelFrame, frame_of, normalise_and_pad
from model_server.worker.encoders import Encoder


class BadPicture(ValueError):
    """A stored picture that is damaged, or not the one that was asked for."""


def read_picture(content: bytes, *, sha256: str) -> Image.Image:
    """The RGB picture in `content`, every byte verified; raises `BadPicture`."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadPicture(f"the stored picture {sha256} does not match its hash")
    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPicture(f"the stored picture {sha256} cannot be read: {error}") from error


def embed(
    picture: Image.Image,
    *,
    name: EmbeddingName,
    encoder: Encoder,
    input_size: int,
    low_res_size: int,
) -> Embedding:
    """The embedding of the crop that `name` says; raises `BadPicture` when it leaves the picture."""
    x0, y0, x1, y1 = name.crop
    if not (0 <= x0 < x1 <= picture.width and 0 <= y0 < y1 <= picture.height):
        raise BadPicture(f"crop {name.crop} leaves a picture of {picture.width} x {picture.height}")
    frame = frame_of(
        width=x1 - x0, height=y1 - y0, input_size=input_size, low_res_size=low_res_size
    )
    values = encoder.encode(normalise_and_pad(resize(picture.crop(name.crop), frame), frame))
    return Embedding(
        name=name,
        frame=Frame(
            input_size=input_size,
            resized=(frame.new_height, frame.new_width),
            size=(frame.height, frame.width),
        ),
        values=values,
    )


def resize(picture: Image.Image, frame: ModelFrame) -> NDArray[np.uint8]:
    """RGB [new_height, new_width, 3], bilinear with antialiasing as in the published code."""
    size = (frame.new_width, frame.new_height)
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
