"""Messages survive JSON, and anything else is refused."""

from __future__ import annotations

import json

import pytest

from common.messages import BadMessage, EmbedRequest, JobReport, Message, TrainRequest

EMBED = EmbedRequest(
    job_id="0f",
    token=2,
    image_key="images/ab/ab.png",
    image_sha256="ab",
    crop=(0, 0, 60, 40),
    bundle_fingerprint="b",
    encoder_fingerprint="e",
    embedding_key="embeddings/e/ab-0_0_60_40.emb",
)
TRAIN = TrainRequest(
    job_id="0f",
    token=1,
    snapshot_key="snapshots/a.jsonl",
    cases_key="",
    pace={"seconds_per_click": 1.5, "seconds_per_painted_px": None},
    group="g",
    base_bundle_fingerprint="b",
    start_bundle_fingerprint="b",
    settings={"steps": 3},
    out_prefix="jobs/0f",
)
REPORT = JobReport(job_id="0f", token=1, state="running", progress=0.5, message="half")


@pytest.mark.parametrize("message", [EMBED, TRAIN, REPORT])
def test_a_message_survives_json(message: Message) -> None:
    assert type(message).from_json(json.loads(json.dumps(message.to_json()))) == message


@pytest.mark.parametrize(
    "change",
    [
        {"token": "2"},
        {"token": True},
        {"crop": [0, 0, 60]},
        {"crop": [0, 0, 60, 4.5]},
        {"image_key": None},
        {"surprise": 1},
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadMessage, match=next(iter(change))):
        EmbedRequest.from_json(EMBED.to_json() | change)


@pytest.mark.parametrize("payload", [None, [], "text", {}])
def test_what_is_no_message_at_all_is_refused(payload: object) -> None:
    with pytest.raises(BadMessage):
        JobReport.from_json(payload)


def test_a_report_of_an_unknown_state_is_refused() -> None:
    with pytest.raises(BadMessage, match="state"):
        JobReport.from_json(REPORT.to_json() | {"state": "finished"})
