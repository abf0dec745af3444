"""The browser's decoder with onnxruntime: verified bundles, prepared images, candidates for a prompt.

The twin of `web/static/js/decoder/engine.js`, for simulated browsers and for those that cannot decode; a model
and an embedding that do not fit are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from common.embedding_format import DamagedEmbedding, Embedding, EmbeddingName, decode_embedding
from common.manifest import BadManifest, Manifest
from common.metrics import Click, Mask
from common.model_frame import ModelFrame, frame_of, prompt_arrays, upscale_logits

GRAPHS = ("prepare.onnx", "decode.onnx", "refine.onnx")
MOST_POINTS_FOR_CANDIDATES = 2  # padding included; with more the single mask answers
Array = NDArray[np.float32]


class MismatchedPair(Exception):
    """A model or an embedding is not the one that belongs to the image in hand."""


@dataclass(frozen=True)
class Answer:
    """One of the masks offered for a prompt, as the model gives it."""

    token: int
    predicted_iou: float
    low_res: Array  # [L, L] logits, fed back with the next click


@dataclass(frozen=True)
class Candidate(Answer):
    """An answer with its pixels."""

    mask: Mask  # [height, width]


@dataclass(frozen=True)
class Model:
    """A verified manifest and the three graphs that a browser runs."""

    manifest: Manifest
    prepare: onnxruntime.InferenceSession
    decode: onnxruntime.InferenceSession
    refine: onnxruntime.InferenceSession


@dataclass
class Graphs:
    """Graphs by bundle fingerprint, built once: many simulated browsers share one machine's memory."""

    _models: dict[str, Model] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def model(
        self, manifest_json: bytes, fetch: Callable[[str], bytes], *, fingerprint: str
    ) -> Model:
        """The model of a manifest, its files fetched by name and verified.

        Raises:
            MismatchedPair: manifest or file is damaged, or another bundle's than the assignment says.
        """
        try:
            manifest = Manifest.from_json(manifest_json)
            if manifest.bundle_fingerprint != fingerprint:
                raise MismatchedPair(f"the manifest is of bundle {manifest.bundle_fingerprint}")
            files = {name: fetch(name) for name in GRAPHS}
            for name, content in files.items():
                manifest.check_file(name, content)
        except BadManifest as problem:
            raise MismatchedPair(str(problem)) from problem
        with self._lock:
            known = self._models.get(manifest.bundle_fingerprint)
            if known is None:
                known = Model(manifest, *(_session(files[name]) for name in GRAPHS))
                self._models[manifest.bundle_fingerprint] = known
        return known


@dataclass(frozen=True)
class OpenImage:
    """One image prepared for prompts by one model."""

    model: Model
    frame: ModelFrame
    prepared: Mapping[str, Array]

    def decode(self, clicks: Sequence[Click], previous: Array | None) -> list[Candidate]:
        """Candidates for clicks in image pixels, highest predicted IoU first; `previous` logits [L, L]."""
        return [
            Candidate(
                token=one.token,
                predicted_iou=one.predicted_iou,
                low_res=one.low_res,
                mask=upscale_logits(one.low_res, self.frame) > 0,
            )
            for one in self.answer(
                points=np.array([[click.x, click.y] for click in clicks], np.float64),
                labels=np.array([click.label for click in clicks], np.float64),
                box=None,
                previous=previous,
            )
        ]

    def answer(
        self,
        *,
        points: NDArray[np.float64],
        labels: NDArray[np.float64],
        box: NDArray[np.float64] | None,
        previous: Array | None,
    ) -> list[Answer]:
        """The same without pixels: points [N, 2] with labels [N], and a box x0, y0, x1, y1, in image pixels."""
        coords, marks = prompt_arrays(points=points, labels=labels, box=box, frame=self.frame)
        feeds = {**self.prepared, "point_coords": coords[None], "point_labels": marks[None]}
        graph = self.model.decode
        if previous is not None:
            graph = self.model.refine
            feeds["mask_input"] = previous[None, None]
        low_res, iou = _run(graph, feeds, ("low_res_masks", "iou_predictions"))
        if len(marks) > MOST_POINTS_FOR_CANDIDATES:
            tokens = [0]
        else:
            tokens = sorted((1, 2, 3), key=lambda token: -iou[0, token])
        return [Answer(token, float(iou[0, token]), low_res[0, token]) for token in tokens]


def open_image(model: Model, content: bytes, *, name: EmbeddingName) -> OpenImage:
    """Prepare an image from its embedding file.

    Raises:
        MismatchedPair: the file is damaged, or of another picture, encoder or frame.
    """
    try:
        embedding = decode_embedding(content, expected=name)
    except DamagedEmbedding as problem:
        raise MismatchedPair(str(problem)) from problem
    frame = _checked_frame(model.manifest, embedding)
    values = embedding.values.astype(np.float32)[None]
    names = model.manifest.prepared
    prepared = _run(model.prepare, {"image_embeddings": values}, names)
    return OpenImage(model, frame, dict(zip(names, prepared, strict=True)))


def _checked_frame(manifest: Manifest, embedding: Embedding) -> ModelFrame:
    height, width = embedding.frame.size
    frame = frame_of(
        width=width, height=height, input_size=manifest.input_size, low_res_size=manifest.low_res
    )
    told = (
        embedding.name.encoder_fingerprint,
        embedding.name.crop,
        embedding.frame.input_size,
        embedding.frame.resized,
        embedding.values.shape,
    )
    needed = (
        manifest.encoder_fingerprint,
        (0, 0, width, height),
        manifest.input_size,
        (frame.new_height, frame.new_width),
        (manifest.embed_dim, manifest.grid, manifest.grid),
    )
    if told != needed:
        raise MismatchedPair(f"the embedding is {told}, the model needs {needed}")
    return frame


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run(
    session: onnxruntime.InferenceSession, feeds: Mapping[str, Array], names: Sequence[str]
) -> list[Array]:
    """Some graphs do not use every prepared tensor."""
    wanted = {one.name for one in session.get_inputs()}
    outputs: list[Array] = session.run(
        list(names), {name: values for name, values in feeds.items() if name in wanted}
    )
    return outputs
