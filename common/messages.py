"""What travels between the web side and the workers: JSON objects, sent by task name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self, get_type_hints

EMBED_TASK, EMBED_QUEUE = "model_server.embed", "embed"
TRAIN_TASK, TRAIN_QUEUE = "model_server.train", "train"
COMPARE_TASK, REGISTER_TASK = "model_server.compare", "model_server.register"  # TRAIN_QUEUE
EXPORT_TASK, IMPORT_TASK = "annotator.write_export", "annotator.import_data_set"  # WEB_QUEUE
REPORT_TASK = "annotator.record_report"
WEBHOOK_TASK = "annotator.send_webhook"  # WEB_QUEUE
TICK_TASK = "annotator.tick"
WEB_QUEUE = "web"

ReportState = Literal["running", "done", "failed", "cancelled"]
REPORT_STATES = ("running", "done", "failed", "cancelled")


class BadMessage(ValueError):
    """A message that has not the fields of its kind."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A value with a JSON form; unknown, missing and mistyped fields are refused on reading."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, payload: object) -> Self:
        if not isinstance(payload, dict):
            raise BadMessage(f"{cls.__name__} must be an object, not {type(payload).__name__}")
        names = {each.name for each in fields(cls)}
        if set(payload) != names:
            odd = sorted(set(payload) ^ names, key=str)
            raise BadMessage(f"{cls.__name__} has missing or unknown fields: {odd}")
        return cls(**{name: cls._read(name, payload[name]) for name in names})

    @classmethod
    def _read(cls, name: str, value: object) -> Any:
        kind = get_type_hints(cls)[name]
        if kind == tuple[int, int, int, int]:
            if isinstance(value, list | tuple) and len(value) == 4 and all(map(_is_int, value)):
                return tuple(value)
        elif kind is int:
            if _is_int(value):
                return value
        elif kind is float:
            if _is_int(value) or isinstance(value, float):
                return float(value)  # type: ignore[arg-type]
        elif kind == ReportState:
            if value in REPORT_STATES:
                return value
        elif kind is str:
            if isinstance(value, str):
                return value
        elif isinstance(value, dict):
            return value
        raise BadMessage(f"{cls.__name__}.{name} cannot be {value!r:.100}")


@dataclass(frozen=True, kw_only=True)
class EmbedRequest(Message):
    """Compute one embedding. `crop` is x0, y0, x1, y1 in image pixels, half-open."""

    job_id: str
    token: int
    image_key: str
    image_sha256: str
    crop: tuple[int, int, int, int]
    bundle_fingerprint: str
    encoder_fingerprint: str
    embedding_key: str


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Message):
    """Fine-tune the start bundle on a snapshot; results go to `attempt_prefix(out_prefix, token)`.

    The candidate is compared with the base bundle, most often the same one.
    `cases_key` ("" for none) names recorded interactions to replay on both; `pace` has the team's
    `seconds_per_click` and `seconds_per_painted_px`, null where unknown; `group` is the project.
    """

    job_id: str
    token: int
    snapshot_key: str
    cases_key: str
    pace: dict[str, Any]
    group: str
    base_bundle_fingerprint: str
    start_bundle_fingerprint: str
    settings: dict[str, Any]
    out_prefix: str


@dataclass(frozen=True, kw_only=True)
class CompareRequest(Message):
    """Score two bundles on the same masks.

    `held_out` has the key of a snapshot by project; `cases_key` and `pace` are as in `TrainRequest`; of
    the held-out images at most `most_images` are scored. The names are for people.
    """

    job_id: str
    token: int
    base_bundle_fingerprint: str
    base_name: str
    candidate_bundle_fingerprint: str
    candidate_name: str
    held_out: dict[str, Any]
    cases_key: str
    pace: dict[str, Any]
    most_images: int
    out_prefix: str


@dataclass(frozen=True, kw_only=True)
class RegisterRequest(Message):
    """Make a bundle of a published checkpoint; it goes to `bundle_prefix(out_prefix, token)`.

    `checkpoint` is the name of a file in the folder of checkpoints, `architecture` that of a configuration.
    """

    job_id: str
    token: int
    checkpoint: str
    architecture: str
    out_prefix: str


@dataclass(frozen=True, kw_only=True)
class JobReport(Message):
    """What a worker says about a job. Reports with another token than the job's are refused."""

    job_id: str
    token: int
    state: ReportState
    progress: float = 0.0
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def bundle_key(bundle_fingerprint: str, name: str) -> str:
    """Storage key of one file of a bundle."""
    return f"bundles/{bundle_fingerprint}/{name}"


def picture_key(sha256: str) -> str:
    """Storage key of a picture of one case of a comparison, a JPEG."""
    return f"comparisons/{sha256}.jpg"


def attempt_prefix(out_prefix: str, token: int) -> str:
    """Where in storage one attempt at a training puts its results; no other attempt writes there."""
    return f"{out_prefix}/attempts/{token}"


def bundle_prefix(out_prefix: str, token: int) -> str:
    """Where in storage one attempt at a training puts its bundle."""
    return f"{attempt_prefix(out_prefix, token)}/bundle"


def cancel_key(job_id: str) -> str:
    """Storage key whose existence asks a running job to stop."""
    return f"jobs/{job_id}/cancel"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
