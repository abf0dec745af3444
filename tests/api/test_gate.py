"""The gate over HTTP: what is promoted freely, what only with a reason, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotator.models import AuditEntry, ModelVersion
from annotator.queries.model_versions import current_model_version
from annotator.queries.verdicts import Standing, verdict_of
from annotator.services.bundles import roll_back
from annotator.services.stores import file_storage
from common.messages import picture_key
from tests.cast import Browser, Cast, make_model
from tests.comparisons import BEST, WORST, candidate_of, case, comparison, difference

Browsers = Callable[[str], Browser]


@pytest.fixture
def base(cast: Cast) -> ModelVersion:
    return make_model()


def standing(base: ModelVersion, stored: dict[str, Any]) -> str:
    return verdict_of(candidate_of(base, stored)).standing


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ({"held_out_capped": difference(0.80, 0.82)}, Standing.BETTER),
        ({"held_out_capped": difference(0.80, 0.82, half=0.03)}, Standing.SIMILAR),
        ({"held_out_capped": difference(0.80, 0.82, half=None)}, Standing.SIMILAR),
        ({"held_out_capped": difference(0.80, 0.79)}, Standing.SIMILAR),  # the margin itself
        ({"held_out_capped": difference(0.80, 0.789, half=0.01)}, Standing.WORSE),
        ({"held_out_capped": difference(0.80, 0.789, half=0.02)}, Standing.SIMILAR),  # chance
        ({"first_capped": difference(0.7, 0.68)}, Standing.WORSE),
        ({"first_capped": difference(0.7, 0.68, half=0.015)}, Standing.SIMILAR),  # may be chance
        ({"first_capped": difference(0.7, 0.75, half=0.01)}, Standing.BETTER),
        (
            {
                "first_capped": difference(0.7, 0.75, half=0.01),
                "held_out_capped": difference(0.8, 0.7),
            },
            Standing.WORSE,
        ),
        ({"clicks": difference(3.0, 9.0)}, Standing.UNPROVEN),  # these are shown and decide nothing
        ({"seconds": difference(3.0, 9.0)}, Standing.UNPROVEN),
        ({}, Standing.UNPROVEN),
    ],
)
def test_margins_decide_what_is_worse_and_intervals_what_is_better(
    base: ModelVersion, measures: dict[str, Any], expected: str
) -> None:
    assert standing(base, comparison(**measures)) == expected


@pytest.mark.parametrize(
    ("half", "expected"),
    [(None, Standing.UNPROVEN), (0.1, Standing.UNPROVEN), (0.05, Standing.WORSE)],
)
def test_few_images_speak_only_of_a_loss_beyond_chance(
    base: ModelVersion, half: float | None, expected: str
) -> None:
    few = {"num_images": 4}
    stored = comparison(
        held_out_capped=difference(0.8, 0.7, half=half) | few,
        first_capped=difference(0.7, 0.5)
        | few,  # leans to the model in use: on few it says nothing
    )
    verdict = verdict_of(candidate_of(base, stored))
    assert verdict.standing == expected
    if expected == Standing.UNPROVEN:
        assert verdict.reasons == [
            "Only 4 images kept for scoring had masks: fewer than the 5 it takes to tell"
        ]


def test_a_replay_on_what_was_trained_on_can_only_speak_against(base: ModelVersion) -> None:
    flattered = comparison(replayed_on="trained", first_capped=difference(0.7, 0.9))
    assert standing(base, flattered) == Standing.UNPROVEN
    worse = comparison(replayed_on="trained", first_capped=difference(0.7, 0.6))
    assert standing(base, worse) == Standing.WORSE


def test_one_project_that_surely_loses_outweighs_the_mean_of_all(
    base: ModelVersion, cast: Cast
) -> None:
    here, there = str(cast.project.id), str(cast.elsewhere.id)
    lost = {
        here: {"first_capped": difference(0.7, 0.9)},
        there: {"first_capped": difference(0.8, 0.7, half=0.05)},
    }
    verdict = verdict_of(
        candidate_of(base, comparison(first_capped=difference(0.72, 0.8), groups=lost))
    )
    assert verdict.standing == Standing.WORSE
    assert verdict.reasons == [
        "Replay: IoU up to 0.90 after the first click falls from 0.800 to 0.700 in Elsewhere"
    ]
    unsure = lost | {there: {"first_capped": difference(0.8, 0.7, half=0.1)}}
    stored = comparison(first_capped=difference(0.72, 0.8), groups=unsure)
    assert standing(base, stored) == Standing.BETTER


def test_a_worse_candidate_needs_an_override_with_a_reason_and_both_are_remembered(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    worse = candidate_of(base, comparison(held_out_capped=difference(0.8, 0.7)))
    dan, path = browser("dan"), f"models/{worse.id}/promote"
    body = {"expected_current": str(base.id)}
    refused = dan.post(path, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "worse")
    assert "falls from 0.800 to 0.700" in refused.json()["reasons"][0]
    for reason in ("", "  "):
        silent = dan.post(path, {**body, "override": True, "reason": reason})
        assert (silent.status_code, silent.json()["error"]["code"]) == (422, "reason_missing")
        assert silent.json()["error"]["field"] == "reason"
    assert current_model_version() == base and not AuditEntry.objects.exists()

    reply = dan.post(path, {**body, "override": True, "reason": "Masks of 3 May were wrong"})
    assert reply.json()["is_current"] and reply.json()["verdict"] == "worse"
    told = AuditEntry.objects.get(act="model.gate_overridden")
    assert (told.person, told.subject) == (cast.dan, str(worse.id))
    assert told.detail["reason"] == "Masks of 3 May were wrong" and len(told.detail["verdict"]) == 1


def test_what_is_not_worse_is_promoted_without_a_word(
    browser: Browsers, base: ModelVersion
) -> None:
    similar = candidate_of(base, comparison(held_out_capped=difference(0.8, 0.795)))
    reply = browser("dan").post(f"models/{similar.id}/promote", {"expected_current": str(base.id)})
    assert (reply.status_code, reply.json()["verdict"]) == (200, "similar")
    assert not AuditEntry.objects.filter(act="model.gate_overridden").exists()


def test_going_back_to_an_overridden_version_asks_nothing(
    browser: Browsers, base: ModelVersion
) -> None:
    worse = candidate_of(base, comparison(held_out_capped=difference(0.8, 0.7)))
    dan = browser("dan")
    forced = {"expected_current": str(base.id), "override": True, "reason": "a trial"}
    assert dan.post(f"models/{worse.id}/promote", forced).status_code == 200
    back = {"expected_current": str(worse.id)}
    assert dan.post(f"models/{base.id}/promote", back).status_code == 200
    assert roll_back().model_version == worse


def test_an_admin_reads_the_comparison_and_sees_its_pictures(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    group = str(cast.project.id)
    stored = comparison(
        groups={group: {"first_capped": difference(0.7, 0.75)}}, first_capped=difference(0.7, 0.75)
    )
    stored["cases"] = [case("best", group)]
    version = candidate_of(base, stored)
    file_storage().put_bytes(picture_key(BEST), b"jpeg")
    dan = browser("dan")
    reply = dan.get(f"models/{version.id}/comparison").json()
    assert (reply["verdict"], reply["compared_with"]) == ("better", str(base.id))
    (measure,) = reply["measures"]
    assert (measure["measure"], measure["interval"]) == ("first_capped", [0.045, 0.055])
    assert reply["by_project"][0]["name"] == cast.project.name
    address = reply["cases"][0]["current_picture_url"].removeprefix("/api/v1/")
    picture = dan.get(address)
    assert b"".join(picture) == b"jpeg" and picture.headers["Content-Type"] == "image/jpeg"
    assert dan.get(address.replace(BEST, WORST)).status_code == 404, "the file is gone"
    file_storage().put_bytes(picture_key("a" * 64), b"of another comparison")
    assert dan.get(address.replace(BEST, "a" * 64)).status_code == 404
    for name in ("alice", "carol"):
        assert browser(name).get(address).status_code == 403
        assert browser(name).get(f"models/{version.id}/comparison").status_code == 403


def test_no_comparison_leaves_a_version_unproven(browser: Browsers, base: ModelVersion) -> None:
    reply = browser("dan").get(f"models/{base.id}/comparison").json()
    assert (reply["verdict"], reply["measures"], reply["by_project"]) == ("unproven", [], [])
    assert reply["compared_with"] is None
