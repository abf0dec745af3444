"""Runs the image encoder of a bundle: onnxruntime on a CPU, torch on a GPU or for want of a graph."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx.external_data_helper import uses_external_data

from common.manifest import ENCODER_GRAPH, WEIGHTS_NAME
from model_server.worker.model_cache import BadBundle, ModelCache
from model_server.worker.settings import WorkerSettings


class Encoder(Protocol):
    """An image encoder with its weights loaded."""

    def encode(self, image: NDArray[np.float32]) -> NDArray[np.float16]:
        """[3, S, S] normalised and padded, to [C, g, g]."""


@dataclass(frozen=True)
class OnnxEncoder:
    """The encoder graph in onnxruntime, in single precision."""

    session: onnxruntime.InferenceSession

    def encode(self, image: NDArray[np.float32]) -> NDArray[np.float16]:
        (embeddings,) = self.session.run(["image_embeddings"], {"image": image[np.newaxis]})
        return np.asarray(embeddings[0], dtype=np.float16)


@dataclass(frozen=True)
class TorchEncoder:
    """The encoder in torch: bfloat16 matrix products for a GPU, else single precision."""

    sam: Any  # a model_server.sam.sam.Sam; torch is imported only where it computes
    device: str
    mixed_precision: bool

    def encode(self, image: NDArray[np.float32]) -> NDArray[np.float16]:
        torch = _torch()
        mixed = torch.autocast(self.device, torch.bfloat16, enabled=self.mixed_precision)
        with torch.inference_mode(), mixed:
            embeddings = self.sam.image_encoder(torch.from_numpy(image)[None].to(self.device))
        return np.asarray(embeddings[0].float().cpu().numpy(), dtype=np.float16)


def load_encoder(cache: ModelCache, fingerprint: str, settings: WorkerSettings) -> Encoder:
    """The encoder of a bundle on the device of the settings; raises `BadBundle`."""
    if settings.device == "cuda" or (settings.device == "auto" and _has_gpu()):
        return load_torch_encoder(cache, fingerprint, device="cuda", mixed_precision=True)
    if ENCODER_GRAPH not in cache.manifest(fingerprint).files:
        _torch().set_num_threads(settings.num_threads)
        return load_torch_encoder(cache, fingerprint, device="cpu", mixed_precision=False)
    content = cache.file(fingerprint, ENCODER_GRAPH).read_bytes()
    return OnnxEncoder(session=onnx_session(content, threads=settings.num_threads))


def onnx_session(content: bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """A session of a graph that stands alone; one that names other files is refused unread."""
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf raises its own undeclared DecodeError
        raise BadBundle(f"the encoder graph cannot be read: {error}") from error
    if any(uses_external_data(tensor) for tensor in model.graph.initializer):
        raise BadBundle("the encoder graph keeps weights in other files")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the cores from the web process beside us.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def load_torch_encoder(
    cache: ModelCache, fingerprint: str, *, device: str, mixed_precision: bool
) -> TorchEncoder:
    """The encoder of a bundle in torch; raises `BadBundle`."""
    build = _sam_build()
    sam = build.build_sam(build.config_from_json(dict(cache.manifest(fingerprint).config)))
    build.load_weights(sam, cache.file(fingerprint, WEIGHTS_NAME))
    return TorchEncoder(sam=sam.to(device), device=device, mixed_precision=mixed_precision)


# The one place with imports inside functions: a worker that has a graph and no GPU never loads torch.
def _torch() -> Any:
    import torch

    return torch


def _sam_build() -> Any:
    from model_server.sam import build

    return build
