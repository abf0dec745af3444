"""kill -9 of every program while masks are saved and embeddings computed: nothing promised is lost."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.annotators import Annotator, Ledger, Promise, StoredMask
from tests.live_product import LiveProduct, running_product
from tests.patience import LONG_S

NUM_IMAGES = 40
# Ends of a killed worker's jobs are noticed by their silence; the shortest the settings allow.
SHORT_LEASE = {"JOB_LEASE_SECONDS": "12"}
OPEN_JOBS = "SELECT count(*) FROM annotator_job WHERE state IN ('queued', 'running')"
RUNNING_JOBS = "SELECT count(*) FROM annotator_job WHERE state = 'running'"
UNEMBEDDED = """
    SELECT count(*) FROM annotator_image WHERE NOT EXISTS (
        SELECT FROM annotator_embedding WHERE annotator_embedding.picture_id = annotator_image.picture_id
    )
"""

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


@pytest.fixture
def fragile(bundle: Path) -> Iterator[LiveProduct]:
    """A product of its own, whose embeddings are still to be computed."""
    with running_product(bundle, with_embeddings=False, environment=SHORT_LEASE) as live:
        yield live


def test_killing_every_program_loses_nothing_that_was_acknowledged(fragile: LiveProduct) -> None:
    manager = fragile.session("manager")
    project = manager.get("/api/v1/projects").json()["projects"][0]["id"]
    ledger = Ledger()
    team = [
        Annotator(session=fragile.session(name), project=project, ledger=ledger, seed=seed)
        for seed, name in enumerate(("annotator", "manager"))
    ]
    upload = {f"noise {number}.png": picture(number) for number in range(NUM_IMAGES)}
    uploaded = manager.upload(f"/api/v1/projects/{project}/images", upload)
    assert uploaded.status == 201, uploaded.content[:500]
    fragile.wait_for(lambda: fragile.ask(RUNNING_JOBS)[0][0] > 0, LONG_S, "an embedding under way")
    fragile.kill("embed-worker")
    for annotator in team:
        annotator.start()
    for program in ("web", "valkey", "web-worker", "postgres", "tick", "web"):
        fragile.wait_for(more_promises(ledger, 8), LONG_S, f"saves before the end of {program}")
        fragile.kill(program)
    fragile.wait_for(more_promises(ledger, 8), LONG_S, "saves after the last kill")
    for annotator in team:
        annotator.leave()
    fragile.wait_for(
        lambda: not any(annotator.is_alive() for annotator in team), LONG_S, "the last saves"
    )
    assert [annotator.surprise for annotator in team] == [None, None]
    fragile.wait_for(
        lambda: answers(fragile) and fragile.ask(OPEN_JOBS) == [(0,)], LONG_S, "the jobs"
    )
    assert ledger.broken(stored_masks(fragile)) == []
    assert fragile.ask(UNEMBEDDED) == [(0,)]
    names = {row[0] for row in fragile.ask("SELECT name FROM annotator_image")}
    assert set(upload) <= names


def more_promises(ledger: Ledger, number: int) -> Callable[[], bool]:
    """Whether so many saves were acknowledged since now."""
    wanted = len(ledger.promises) + number
    return lambda: len(ledger.promises) >= wanted


def answers(product: LiveProduct) -> bool:
    """Whether the product is ready (each part came back)."""
    return product.product.readiness()[0]


def stored_masks(product: LiveProduct) -> list[StoredMask]:
    """All masks, as the API lists them image by image."""
    manager = product.session("manager")
    found = []
    for (image,) in product.ask("SELECT id::text FROM annotator_image"):
        reply = manager.get(f"/api/v1/images/{image}/masks")
        assert reply.status == 200
        found += [
            StoredMask(image, mask["id"], mask["version"], mask["sha256"], mask["state"])
            for mask in reply.json()["masks"]
        ]
    return found


def picture(seed: int) -> bytes:
    """A PNG of noise, 72 wide and 48 high."""
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


# ---- the checker itself ------------------------------------------------------------------------


def promised(version: int = 1, sha256: str = "aa") -> Promise:
    return Promise(image="i", mask="m", version=version, sha256=sha256, state="draft")


def stored(version: int = 1, sha256: str = "aa") -> StoredMask:
    return StoredMask(image="i", mask="m", version=version, sha256=sha256, state="draft")


def test_the_checker_accepts_a_save_that_was_committed_without_an_answer() -> None:
    assert Ledger([promised(version=1)]).broken([stored(version=2, sha256="bb")]) == []


@pytest.mark.parametrize(
    ("promises", "masks", "fault"),
    [
        ([promised()], [], "lost"),
        ([promised(version=2)], [stored(version=1)], "promised"),
        ([promised(sha256="aa")], [stored(sha256="bb")], "another content"),
        ([promised()], [stored(), stored()], "twice"),
        ([promised(version=2), promised(version=2)], [stored(version=2)], "versions"),
    ],
)
def test_the_checker_notices(promises: list[Promise], masks: list[StoredMask], fault: str) -> None:
    broken = Ledger(promises).broken(masks)
    assert len(broken) == 1
    assert fault in broken[0]
