"""The installation's health over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from annotator.models import Job, JobKind, JobState
from tests.cast import Browser, Cast, make_embedding, make_image, make_model


def test_an_admin_reads_what_answers_waits_runs_and_is_stored(
    browser: Callable[[str], Browser], cast: Cast, own_storage: Path
) -> None:
    make_embedding(make_image(cast.project), make_model())
    Job.objects.create(kind=JobKind.REGISTER, subject="a file", state=JobState.RUNNING)
    reply = browser("dan").get("system").json()
    assert reply["services"] == {"database": True, "broker": True, "storage": True}
    assert set(reply["workers"]) == {"embed", "train", "web"}
    assert [queue["name"] for queue in reply["queues"]] == ["embed", "train", "web"]
    storage = reply["storage"]
    assert storage["place"] == str(own_storage) and storage["free_bytes"] > 0
    assert storage["stored"][:2] == [
        {"name": "pictures", "num_files": 1, "num_bytes": 1},
        {"name": "embeddings", "num_files": 1, "num_bytes": 1},
    ]
    running = {row["kind"]: row["running"] for row in reply["jobs"]}
    assert running == {kind: int(kind == "register") for kind in JobKind.values}
