"""The model frame: the padded square an encoder sees, and the way to it and back.

An image is scaled so that its longest side fills the frame, normalised, and padded with zeros on
the right and below. The browser repeats these formulas exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PIXEL_MEAN = (123.675, 116.28, 103.53)  # RGB, 0 to 255
PIXEL_STD = (58.395, 57.12, 57.375)
PADDING_LABEL = -1
BOX_LABELS = (2, 3)


@dataclass(frozen=True)
class ModelFrame:
    """Where one image lies in the frame of one model; all in pixels."""

    width: int  # of the image
    height: int
    new_width: int  # of the image inside the frame
    new_height: int
    input_size: int  # side of the frame
    low_res_size: int  # side of the low-res logits that cover the frame


def frame_of(*, width: int, height: int, input_size: int, low_res_size: int) -> ModelFrame:
    """The frame of an image of `width` x `height`; a side never shrinks below one pixel."""
    if min(width, height) < 1:
        raise ValueError(f"an image of {width} x {height} pixels has no frame")
    scale = input_size / max(width, height)
    return ModelFrame(
        width=width,
        height=height,
        new_width=max(1, int(width * scale + 0.5)),
        new_height=max(1, int(height * scale + 0.5)),
        input_size=input_size,
        low_res_size=low_res_size,
    )


def to_frame_points(points: NDArray[np.float64], frame: ModelFrame) -> NDArray[np.float64]:
    """Image xy [..., 2] to model-frame xy [..., 2], each axis by its own rounded factor."""
    factors = np.array([frame.new_width / frame.width, frame.new_height / frame.height])
    scaled: NDArray[np.float64] = np.asarray(points, np.float64) * factors
    return scaled


def prompt_arrays(
    *,
    points: NDArray[np.float64],
    labels: NDArray[np.float64],
    box: NDArray[np.float64] | None,
    frame: ModelFrame,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A prompt in image pixels as the decoder takes it.

    Args:
        points: [N, 2] xy in click order.
        labels: [N], 1 foreground, 0 background.
        box: x0, y0, x1, y1, or None; then a padding point takes its place.
        frame: of the image.

    Returns:
        Coordinates [N', 2] in the model frame and labels [N'].
    """
    coords = to_frame_points(np.asarray(points, np.float64).reshape(-1, 2), frame)
    marks = np.asarray(labels, np.float64).reshape(-1)
    if box is None:
        corners, corner_marks = np.zeros((1, 2)), np.array([float(PADDING_LABEL)])
    else:
        corners = to_frame_points(np.asarray(box, np.float64).reshape(2, 2), frame)
        corner_marks = np.array(BOX_LABELS, np.float64)
    joined = np.concatenate([coords, corners]).astype(np.float32)
    return joined, np.concatenate([marks, corner_marks]).astype(np.float32)


def normalise_and_pad(resized: NDArray[np.uint8], frame: ModelFrame) -> NDArray[np.float32]:
    """RGB [new_height, new_width, 3] to the encoder's input [3, S, S]."""
    if resized.shape != (frame.new_height, frame.new_width, 3):
        raise ValueError(
            f"expected {frame.new_height} x {frame.new_width} RGB, got {resized.shape}"
        )
    mean, std = np.array(PIXEL_MEAN, np.float32), np.array(PIXEL_STD, np.float32)
    normal = (resized.astype(np.float32) - mean) / std
    padded = np.zeros((3, frame.input_size, frame.input_size), np.float32)
    padded[:, : frame.new_height, : frame.new_width] = normal.transpose(2, 0, 1)
    return padded


def upscale_logits(low_res: NDArray[np.float32], frame: ModelFrame) -> NDArray[np.float64]:
    """Low-res logits [L, L] straight to the image, [height, width]; a mask is where this is > 0.

    This is the project's one definition of a full-size mask: bilinear, half-pixel centres, in
    double precision, columns first and rows second, coordinates clamped to the low-res pixels.
    """
    left, right, across = axis_weights(frame.width, frame.new_width, frame)
    above, below, down = axis_weights(frame.height, frame.new_height, frame)
    logits = np.asarray(low_res, np.float64)
    columns = logits[:, left] * (1 - across) + logits[:, right] * across  # L width
    weights = down[:, None]
    return columns[above] * (1 - weights) + columns[below] * weights


def axis_weights(
    length: int, new_length: int, frame: ModelFrame
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """For each of `length` image pixels: the two low-res pixels around it and the share of the second."""
    last = frame.low_res_size - 1
    centres = np.arange(length, dtype=np.float64) + 0.5
    places = centres * new_length / length * (frame.low_res_size / frame.input_size) - 0.5
    places = np.clip(places, 0, last)
    first = np.floor(places).astype(np.intp)
    return first, np.minimum(first + 1, last), places - first
