"""From pictures and prompts in image pixels to candidate masks; keeps no state between calls."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from common.model_frame import (
    ModelFrame,
    frame_of,
    normalise_and_pad,
    prompt_arrays,
    upscale_logits,
)
from model_server.sam.sam import Sam, select_masks

MAX_AMBIGUOUS_POINTS = 2  # padding and box corners included; with more points token 0 answers


@dataclass(frozen=True)
class Embedding:
    """The encoder's output for one image, with the frame it was made in."""

    features: Tensor  # [1, C, g, g]
    frame: ModelFrame


@dataclass(frozen=True)
class Candidate:
    """One mask the decoder offers for a prompt."""

    token: int  # 0 to 3
    predicted_iou: float
    low_res_logits: NDArray[np.float32]  # [4g, 4g], to be fed back as they are
    mask: NDArray[np.bool_]  # [height, width]


class Predictor:
    """A network with the steps before and after it."""

    def __init__(self, sam: Sam) -> None:
        self.sam = sam.eval()

    def frame_of(self, width: int, height: int) -> ModelFrame:
        """The frame this network gives an image of `width` x `height` pixels."""
        prompt_encoder = self.sam.prompt_encoder
        return frame_of(
            width=width,
            height=height,
            input_size=prompt_encoder.input_size,
            low_res_size=prompt_encoder.low_res_size,
        )

    @torch.inference_mode()
    def embed(self, picture: NDArray[np.uint8]) -> Embedding:
        """Encode RGB [height, width, 3]."""
        frame = self.frame_of(picture.shape[1], picture.shape[0])
        pixels = torch.from_numpy(normalise_and_pad(resize_to_frame(picture, frame), frame))
        return Embedding(self.sam.image_encoder(pixels.unsqueeze(0)), frame)

    @torch.inference_mode()
    def predict(
        self,
        embedding: Embedding,
        *,
        points: NDArray[np.float64],
        labels: NDArray[np.float64],
        box: NDArray[np.float64] | None = None,
        previous_logits: NDArray[np.float32] | None = None,
    ) -> list[Candidate]:
        """Candidates for one prompt in image pixels, highest predicted IoU first.

        Args:
            embedding: of the image.
            points: [N, 2] xy; may be empty when there is a box.
            labels: [N], 1 foreground, 0 background.
            box: x0, y0, x1, y1, or None.
            previous_logits: [4g, 4g] low-res logits of an earlier candidate, or None.

        Returns:
            Three candidates for a lone point or box, otherwise one.
        """
        coords, marks = prompt_arrays(points=points, labels=labels, box=box, frame=embedding.frame)
        logits = None if previous_logits is None else previous_logits[None]
        return self.predict_arrays(embedding, coords[None], marks[None], logits)[0]

    @torch.inference_mode()
    def predict_arrays(
        self,
        embedding: Embedding,
        coords: NDArray[np.float32],
        marks: NDArray[np.float32],
        previous_logits: NDArray[np.float32] | None = None,
    ) -> list[list[Candidate]]:
        """The candidates of P prompts of equal length on one image, decoded together.

        Args:
            embedding: of the image.
            coords: [P, N', 2] in the model frame, each as `prompt_arrays` makes it.
            marks: [P, N'] their labels, padding and corners included.
            previous_logits: [P, 4g, 4g] low-res logits of earlier candidates, or None.
        """
        # Padding and corners are in the arrays already, so they go in as finished points.
        coords_, marks_ = torch.from_numpy(coords), torch.from_numpy(marks)
        logits = None
        if previous_logits is not None:
            logits = torch.from_numpy(np.array(previous_logits, np.float32))[:, None]
        masks, iou = self.sam.decode_points(embedding.features, coords_, marks_, logits)
        several = marks.shape[1] > MAX_AMBIGUOUS_POINTS
        masks, iou = select_masks(masks, iou, several=several)
        first_token = 0 if several else 1
        orders = torch.argsort(iou, dim=1, descending=True).tolist()
        return [
            [
                self._candidate(
                    first_token + i, float(iou[p, i]), masks[p, i].numpy(), embedding.frame
                )
                for i in order
            ]
            for p, order in enumerate(orders)
        ]

    @staticmethod
    def _candidate(
        token: int, predicted_iou: float, low_res: NDArray[np.float32], frame: ModelFrame
    ) -> Candidate:
        return Candidate(token, predicted_iou, low_res, upscale_logits(low_res, frame) > 0)


def resize_to_frame(picture: NDArray[np.uint8], frame: ModelFrame) -> NDArray[np.uint8]:
    """Antialiased bilinear resize of RGB [H, W, 3] to the frame, as the published models expect."""
    size = (frame.new_width, frame.new_height)
    resized = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
    return np.array(resized)
