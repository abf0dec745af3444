"""The tasks of a model worker. A job that fails is reported; the worker lives on."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from celery.signals import worker_init

from common.embedding_format import (
    DamagedEmbedding,
    EmbeddingName,
    decode_embedding,
    encode_embedding,
)
from common.messages import (
    COMPARE_TASK,
    EMBED_TASK,
    REGISTER_TASK,
    TRAIN_TASK,
    BadMessage,
    CompareRequest,
    EmbedRequest,
    RegisterRequest,
    TrainRequest,
    cancel_key,
)
from model_server.worker.celery_app import app
from model_server.worker.comparing import Comparing
from model_server.worker.embedding import BadPicture, embed, read_picture
from model_server.worker.encoders import Encoder, load_encoder
from model_server.worker.job_run import Cancelled, JobFailed, JobRun, Superseded
from model_server.worker.model_cache import BadBundle, ModelCache
from model_server.worker.registering import Registering
from model_server.worker.reports import Reporter
from model_server.worker.settings import WorkerSettings, read_settings
from model_server.worker.training import Training
from storage import BadKey, Storage, open_storage

log = logging.getLogger(__name__)
EMBED_LIMIT_S = 600.0


@worker_init.connect
def step_back(**_signal: Any) -> None:
    """Gives way to the web processes of the same machine."""
    os.nice(_settings().niceness)


@app.task(name=EMBED_TASK)
def run_embed(payload: dict[str, Any]) -> None:
    """Computes one embedding, writes it to storage, reports its hash and size; not one that nobody wants any more."""
    request = EmbedRequest.from_json(payload)
    reporter = Reporter(app=app, job_id=request.job_id, token=request.token)
    if _storage().exists(cancel_key(request.job_id)):
        reporter.send("cancelled", message="Cancelled")
        return
    with reporter.beating(limit_s=EMBED_LIMIT_S):
        failure, result = _attempt(lambda: make_embedding(request))
    if failure:
        reporter.send("failed", error=failure, result=result)
    else:
        reporter.send("done", progress=1.0, result=result)


@app.task(name=TRAIN_TASK)
def run_train(payload: dict[str, Any]) -> None:
    """Fine-tunes the base bundle on a snapshot; the new bundle is in storage when it reports."""
    request = TrainRequest.from_json(payload)
    job = _job_run(request)
    _carry_out(job, Training(request, job).whole, done="Bundle made")


@app.task(name=COMPARE_TASK)
def run_compare(payload: dict[str, Any]) -> None:
    """Scores two bundles on the same masks; the pictures are in storage when it reports."""
    request = CompareRequest.from_json(payload)
    job = _job_run(request)
    _carry_out(job, Comparing(request, job).whole, done="Compared")


@app.task(name=REGISTER_TASK)
def run_register(payload: dict[str, Any]) -> None:
    """Makes a bundle of a published checkpoint; it is in storage when it reports."""
    request = RegisterRequest.from_json(payload)
    job = _job_run(request)
    whole = Registering(request, job, _settings().checkpoints).whole
    _carry_out(job, whole, done="Bundle made")


def make_embedding(request: EmbedRequest) -> dict[str, Any]:
    """Writes the embedding file unless it is there; returns what the web side registers."""
    name = EmbeddingName(
        image_sha256=request.image_sha256,
        crop=request.crop,
        encoder_fingerprint=request.encoder_fingerprint,
    )
    if name.key != request.embedding_key:
        raise BadMessage(f"{request.embedding_key} is not the key of {name}")
    manifest = _cache().manifest(request.bundle_fingerprint)
    if manifest.encoder_fingerprint != request.encoder_fingerprint:
        raise BadBundle(
            f"bundle {request.bundle_fingerprint} has encoder {manifest.encoder_fingerprint}, "
            f"not {request.encoder_fingerprint}"
        )
    content = _read_whole(name)
    if content is None:
        picture = read_picture(
            _storage().read_bytes(request.image_key), sha256=request.image_sha256
        )
        embedding = embed(
            picture,
            name=name,
            encoder=_encoder(request.bundle_fingerprint),
            input_size=manifest.input_size,
            low_res_size=manifest.low_res,
        )
        content = encode_embedding(embedding)
        _storage().put_bytes(name.key, content)
    return {"embedding_key": name.key, "num_bytes": len(content)}


def _job_run(request: TrainRequest | CompareRequest | RegisterRequest) -> JobRun:
    return JobRun(
        job_id=request.job_id,
        token=request.token,
        out_prefix=request.out_prefix,
        storage=_storage(),
        cache=_cache(),
        reporter=Reporter(app=app, job_id=request.job_id, token=request.token),
        threads=_settings().num_threads,
        checkpoint_s=_settings().checkpoint_s,
    )


def _carry_out(job: JobRun, whole: Callable[[], dict[str, Any]], *, done: str) -> None:
    """One attempt at a long job, with its last report."""
    job.reporter.send("running", message="Starting")
    try:
        failure, result = _attempt(lambda: job.run(whole))
    except Cancelled:
        job.reporter.send("cancelled", message="Cancelled")
        return
    except Superseded:
        log.warning("attempt %d at job %s was overtaken", job.token, job.job_id)
        return
    if failure:
        job.reporter.send("failed", error=failure, result=result)
    else:
        job.reporter.send("done", progress=1.0, message=done, result=result)


def _read_whole(name: EmbeddingName) -> bytes | None:
    """The embedding file of an earlier attempt, if it is there and sound."""
    try:
        content = _storage().read_bytes(name.key)
        decode_embedding(content, expected=name)
    except (FileNotFoundError, DamagedEmbedding):
        return None
    return content


def _attempt(work: Callable[[], dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """The error text ("" for none) and the result. Only errors of the surroundings are worth a retry."""
    try:
        return "", work()
    except (Cancelled, Superseded):
        raise
    except JobFailed as error:  # told in words that are for people
        log.warning("job failed: %s", error)
        return str(error), {"retry": False}
    except (BadMessage, BadPicture, BadBundle, BadKey, FileNotFoundError) as error:
        log.warning("job failed: %s", error)
        return f"{type(error).__name__}: {error}", {"retry": False}
    except Exception as error:  # whatever a job runs into must not end the worker
        log.exception("job failed")
        return f"{type(error).__name__}: {error}", {"retry": True}


@lru_cache(maxsize=1)
def _settings() -> WorkerSettings:
    return read_settings()


@lru_cache(maxsize=1)
def _storage() -> Storage:
    return open_storage(_settings().storage_url)


@lru_cache(maxsize=1)
def _cache() -> ModelCache:
    return ModelCache(storage=_storage(), folder=_settings().model_cache)


@lru_cache(maxsize=2)
def _encoder(bundle_fingerprint: str) -> Encoder:
    return load_encoder(_cache(), bundle_fingerprint, _settings())
