"""Audits: what a seed draws, what decisions make of the sample, and the intervals of the shares."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotator.models import AuditedMask, AuditEntry, Mask, MaskAudit
from annotator.services.mask_audits import start_audit
from annotator.services.mask_history import revision_of
from common.intervals import share_interval
from tests.cast import Browser, Cast, accepted_mask, asymmetric_mask, make_image

Browsers = Callable[[str], Browser]


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Two masks in each of three images, with their history."""
    made = []
    for image in [make_image(cast.project) for _ in range(3)]:
        made += [accepted_mask(image, cast.alice) for _ in range(2)]
    for mask in made:
        revision_of(mask).save()
    return made


def start(browser: Browser, cast: Cast, **changes: Any) -> Any:
    body = {"num_images": 2, "seed": 7, **changes}
    return browser.post(f"projects/{cast.project.id}/audits", body)


def decide(browser: Browser, mask: Mask, outcome: str = "accepted") -> None:
    body = {"decision_id": str(uuid.uuid4()), "version": mask.version, "outcome": outcome}
    if outcome == "rejected":
        body["reason"] = "not_an_object"
    reply = browser.post(f"masks/{mask.id}/reviews", body)
    assert reply.status_code == 201, reply.content


def fix(browser: Browser, mask: Mask, *, grown: int) -> None:
    assert browser.correct(mask, grown=grown).status_code == 200


def test_a_seed_draws_the_same_images_and_all_their_masks(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    first = start(browser("carol"), cast, seed=7).json()
    by_seed = {seed: drawn_by(cast, seed) for seed in range(20)}
    assert by_seed[7] == drawn_by(cast, 7)
    assert len(set(by_seed.values())) > 1
    assert (first["num_images"], first["num_masks"], first["num_decided"]) == (2, 4, 0)
    assert first["levels"][0] == {"iou": 0.9, "num_above": 0, "share": None, "interval": None}
    assert AuditEntry.objects.filter(act="audit.started", person=cast.carol).count() == 22


def drawn_by(cast: Cast, seed: int) -> frozenset[object]:
    audit = start_audit(project=cast.project, num_images=2, seed=seed, by=cast.carol)
    return frozenset(audit.masks.values_list("mask__image", flat=True))


def test_an_audit_of_more_images_than_there_are_takes_all(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    assert start(browser("carol"), cast, num_images=500).json()["num_images"] == 3


def test_without_masks_there_is_nothing_to_audit(cast: Cast, browser: Browsers) -> None:
    reply = start(browser("carol"), cast)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "nothing_to_audit")
    assert not MaskAudit.objects.exists()


@pytest.mark.parametrize("changes", [{"num_images": 0}, {"seed": -1}, {"seed": "7"}])
def test_an_audit_that_makes_no_sense_is_refused(
    cast: Cast, browser: Browsers, masks: list[Mask], changes: dict[str, Any]
) -> None:
    assert start(browser("carol"), cast, **changes).status_code == 422


def test_pairs_are_what_was_sampled_and_what_became_of_it(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    carol = browser("carol")
    audit = start(carol, cast, num_images=3).json()
    decide(carol, masks[0])
    fix(carol, masks[1], grown=1)
    fix(carol, masks[2], grown=14)
    decide(carol, masks[3], "rejected")
    decide(carol, masks[4])
    queue = f"projects/{cast.project.id}/review-queue?audit={audit['id']}"
    assert [one["mask"] for one in carol.get(queue).json()["masks"]] == [str(masks[5].id)]
    assert MaskAudit.objects.get().ended_at is None
    decide(carol, masks[5])
    found = carol.get(f"audits/{audit['id']}").json()
    ious = {pair["mask"]: pair["iou"] for pair in found["pairs"]}
    before = asymmetric_mask()
    wanted = [1.0, *(iou(before, asymmetric_mask(grown=grown)) for grown in (1, 14)), 0.0, 1.0, 1.0]
    assert [ious[str(mask.id)] for mask in masks] == pytest.approx(wanted)
    assert [level["num_above"] for level in found["levels"]] == [
        sum(one > level for one in wanted) for level in (0.9, 0.75)
    ]
    assert found["levels"][0]["share"] == pytest.approx(4 / 6)
    assert found["mean_iou"] == pytest.approx(np.mean(wanted))
    assert found["ended_at"] is not None


def iou(first: Any, second: Any) -> float:
    return float(np.sum(first & second) / np.sum(first | second))


def test_a_command_draws_and_tells(
    cast: Cast, browser: Browsers, masks: list[Mask], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit", "Harbour", images=3, seed=4)
    assert capsys.readouterr().out == "seed 4, 3 images; 0 of 6 masks decided\n"
    decide(browser("carol"), masks[0], "rejected")
    call_command("audit", "Harbour")
    assert "1 of 6 masks decided; 0.0% above 0.90 IoU (0.0% to 97.5%)" in capsys.readouterr().out
    with pytest.raises(CommandError, match="at least one image"):
        call_command("audit", "Harbour", images=0)


def test_a_second_decision_counts_until_the_audit_ends(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    carol = browser("carol")
    audit = start(carol, cast, num_images=3).json()["id"]
    decide(carol, masks[0])
    fix(carol, masks[0], grown=14)
    [row] = AuditedMask.objects.filter(audit=audit, mask=masks[0])
    wanted = iou(asymmetric_mask(), asymmetric_mask(grown=14))
    assert row.iou == pytest.approx(wanted)
    for mask in masks[1:]:
        decide(carol, mask)
    decide(carol, Mask.objects.get(id=masks[0].id), "rejected")
    row.refresh_from_db()
    assert row.iou == pytest.approx(wanted), "the audit has ended"


def test_an_interval_holds_the_share_and_narrows_with_images() -> None:
    rng = np.random.default_rng(3)
    few, many = (
        [(image, bool(rng.random() < 0.9)) for image in range(num) for _ in range(8)]
        for num in (12, 300)
    )
    widths = []
    for rows in (few, many):
        low, high = share_interval(rows) or (1.0, 0.0)
        assert low <= np.mean([holds for _, holds in rows]) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3
    alike = [(image, image % 3 > 0) for image in range(12) for _ in range(8)]
    low, high = share_interval(alike) or (0.0, 0.0)
    assert high - low > 0.3, "96 masks that agree within images tell no more than 12"


@pytest.mark.parametrize(("holds", "wanted"), [(True, (0.6915, 1.0)), (False, (0.0, 0.3085))])
def test_where_all_agree_the_interval_is_the_exact_one_over_images(
    holds: bool, wanted: tuple[float, float]
) -> None:
    rows = [(image, holds) for image in range(10) for _ in range(5)]
    assert share_interval(rows) == pytest.approx(wanted, abs=1e-4)
    assert share_interval([]) is None
