"""Masks for a prompt, for browsers that cannot run the decoder themselves; few at a time.

Models and prepared images stay in memory for the next prompt; a server that is never asked loads nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.errors import Invalid, TooManyRequests, Unavailable
from annotator.models import Image, ModelVersion
from annotator.services.embeddings import embedding_name, read_embedding
from annotator.services.stores import file_storage
from common.embedding_format import EmbeddingName
from common.manifest import MANIFEST_NAME
from common.messages import bundle_key

if TYPE_CHECKING:
    from common.decoding import Answer, Model, OpenImage

AT_ONCE = 2  # decodes in this process, one thread each
PATIENCE_S = 10.0  # for one of them to end
RETRY_S = 2
MODELS_KEPT = 2
IMAGES_KEPT = 4  # a prepared image takes some ten megabytes

_free = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Prompt:
    """Points (x, y, label) and a box (x0, y0, x1, y1) in image pixels; `previous` logits [L, L] to refine."""

    points: Sequence[tuple[float, float, int]]
    box: Sequence[float] | None = None
    previous: NDArray[np.float32] | None = None


def decode_prompt(*, image: Image, model_version: ModelVersion, prompt: Prompt) -> list[Answer]:
    """What the model answers, highest predicted IoU first.

    Raises `Conflict` (embedding_not_ready), `Invalid` (a prompt that does not fit), `TooManyRequests` when
    others are being answered, `Unavailable` when files of the model are missing or damaged.
    """
    _check(prompt, image, low_res=int(model_version.manifest["low_res"]))
    if not _free.acquire(timeout=PATIENCE_S):
        text = "The server is decoding for others. Try again in a moment."
        raise TooManyRequests(text, extra={"retry_after": RETRY_S})
    try:
        opened = _open(image, model_version)
        points = np.array([point[:2] for point in prompt.points], np.float64)
        labels = np.array([point[2] for point in prompt.points], np.float64)
        box = None if prompt.box is None else np.array(prompt.box, np.float64)
        return opened.answer(points=points, labels=labels, box=box, previous=prompt.previous)
    finally:
        _free.release()


def _check(prompt: Prompt, image: Image, *, low_res: int) -> None:
    if not prompt.points and prompt.box is None and prompt.previous is None:
        raise Invalid("There is nothing to decode.", code="empty_prompt", field="points")
    width, height = image.picture.width, image.picture.height
    if not all(0 <= x <= width and 0 <= y <= height for x, y, _ in prompt.points):
        raise Invalid("A point lies outside of the image.", code="outside", field="points")
    if prompt.box is not None:
        x0, y0, x1, y1 = prompt.box
        if not (0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height):
            raise Invalid("The box does not lie in the image.", code="outside", field="box")
    if prompt.previous is not None and prompt.previous.shape != (low_res, low_res):
        text = f"The model takes {low_res} by {low_res} logits."
        raise Invalid(text, code="bad_mask_input", field="mask_input")


def _open(image: Image, model_version: ModelVersion) -> OpenImage:
    from common.decoding import MismatchedPair

    name = embedding_name(
        picture=image.picture, encoder_fingerprint=model_version.encoder_fingerprint
    )
    try:
        return _opened(model_version.bundle_fingerprint, name)
    except (FileNotFoundError, MismatchedPair) as error:
        # Says that the embedding is not ready, or finds it damaged and has it made again.
        read_embedding(image=image, encoder_fingerprint=model_version.encoder_fingerprint)
        raise Unavailable(f"The model cannot be used: {error}") from error


@lru_cache(maxsize=IMAGES_KEPT)
def _opened(bundle_fingerprint: str, name: EmbeddingName) -> OpenImage:
    from common.decoding import open_image

    return open_image(_model(bundle_fingerprint), file_storage().read_bytes(name.key), name=name)


@lru_cache(maxsize=MODELS_KEPT)
def _model(bundle_fingerprint: str) -> Model:
    from common.decoding import Graphs

    def fetch(name: str) -> bytes:
        return file_storage().read_bytes(bundle_key(bundle_fingerprint, name))

    return Graphs().model(fetch(MANIFEST_NAME), fetch, fingerprint=bundle_fingerprint)
