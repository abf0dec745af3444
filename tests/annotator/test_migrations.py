"""Migrations that move data keep it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE, AFTER = "0010_reviews", "0012_drop_version_comparison_field"
BEFORE_STARTS, AFTER_STARTS = "0031_webhook_secrets", "0032_round_start"


@pytest.fixture
def newest(transactional_db: None) -> Iterator[None]:
    """The tables as they are now, whatever a test makes of them."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_what_rounds_measured_moves_into_rows_of_pairs(newest: None) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("annotator", BEFORE)])
    old = executor.loader.project_state([("annotator", BEFORE)]).apps
    versions, rounds = (
        old.get_model("annotator", "ModelVersion"),
        old.get_model("annotator", "Round"),
    )
    facts = {"encoder_fingerprint": "e" * 64, "manifest": {"files": {}}}
    base = versions.objects.create(name="base", bundle_fingerprint="a" * 64, **facts)
    candidate = versions.objects.create(
        name="made", bundle_fingerprint="b" * 64, parent=base, comparison={"measures": {}}, **facts
    )
    job = old.get_model("annotator", "Job").objects.create(
        kind="train", subject="p", state="done", finished_at=timezone.now()
    )
    rounds.objects.create(
        project=old.get_model("annotator", "Project").objects.create(name="Harbour"),
        number=1,
        job=job,
        snapshot_key="none",
        num_images=1,
        num_masks=1,
        base=base,
        candidate=candidate,
    )
    executor = MigrationExecutor(connection)
    executor.migrate([("annotator", AFTER)])
    new = executor.loader.project_state([("annotator", AFTER)]).apps
    (pair,) = new.get_model("annotator", "VersionComparison").objects.all()
    assert (pair.base_id, pair.candidate_id, pair.job_id) == (base.pk, candidate.pk, job.pk)
    assert pair.found == {"measures": {}} and pair.compared_at == job.finished_at


def test_a_round_that_waits_begins_with_its_base(newest: None) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("annotator", BEFORE_STARTS)])
    jobs = executor.loader.project_state([("annotator", BEFORE_STARTS)]).apps
    job = jobs.get_model("annotator", "Job").objects.create(
        kind="train", subject="p", request={"base_bundle_fingerprint": "a" * 64}
    )
    executor = MigrationExecutor(connection)
    executor.migrate([("annotator", AFTER_STARTS)])
    new = executor.loader.project_state([("annotator", AFTER_STARTS)]).apps
    waiting = new.get_model("annotator", "Job").objects.get(pk=job.pk)
    assert waiting.request["start_bundle_fingerprint"] == "a" * 64
