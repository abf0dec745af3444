"""Which masks the gate replays, and what the team's acts take."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from django.utils import timezone

from annotator.models import Image, Mask, MaskOrigin, MaskTiming
from annotator.queries import replays
from annotator.queries.replays import replay_cases, team_pace
from tests.cast import Cast, accepted_mask, make_image

POINT = {"kind": "point", "x": 6, "y": 15, "label": 1}


def clicked(cast: Cast, *, held_out: bool, elsewhere: bool = False, **changes: Any) -> Mask:
    """An accepted mask with one recorded click."""
    image = make_image(cast.elsewhere if elsewhere else cast.project)
    Image.objects.filter(id=image.id).update(held_out=held_out)
    mask = accepted_mask(image, cast.alice)
    for name, value in ({"prompts": [POINT]} | changes).items():
        setattr(mask, name, value)
    mask.save()
    return mask


def timing(mask: Mask, **columns: Any) -> None:
    version = mask.timings.count() + 1
    MaskTiming.objects.create(mask=mask, version=version, **({"active_ms": 9000.0} | columns))


def ids(cast: Cast) -> set[str]:
    return {case.mask_id for case in replay_cases(cast.project)}


def test_held_out_masks_of_every_project_are_replayed_and_no_others(cast: Cast) -> None:
    trained = clicked(cast, held_out=False)
    assert ids(cast) == {str(trained.id)}, "better than nothing"
    own = clicked(cast, held_out=True)
    theirs = clicked(cast, held_out=True, elsewhere=True)
    found = {case.mask_id: case for case in replay_cases(cast.project)}
    assert set(found) == {str(own.id), str(theirs.id)}
    assert found[str(theirs.id)].group == str(cast.elsewhere.id)
    assert all(case.is_held_out and case.acts == [POINT] for case in found.values())
    cast.elsewhere.archived_at = timezone.now()
    cast.elsewhere.save()
    assert ids(cast) == {str(own.id)}


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": []},
        {"prompts": [{"kind": "stroke", "points": [[1, 2]]}]},
        {"prompts": [{**POINT, "x": 5000}]},
        {"origin": MaskOrigin.IMPORTED},
        {"given_up": True},
        {"state": "draft"},
    ],
)
def test_what_was_not_made_by_clicks_here_is_not_replayed(
    cast: Cast, changes: dict[str, Any]
) -> None:
    clicked(cast, held_out=True, **changes)
    assert ids(cast) == set()


def test_painted_pixels_add_up_over_the_versions_of_a_mask(cast: Cast) -> None:
    mask = clicked(cast, held_out=True)
    timing(mask, painted_px=30, erased_px=12)
    timing(mask, painted_px=5)
    (case,) = replay_cases(cast.project)
    assert case.painted_px == 47


def test_a_sample_stays_the_same_but_for_what_is_new(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_CASES", 4)
    for _ in range(6):
        clicked(cast, held_out=True)
    before = ids(cast)
    assert len(before) == 4 and ids(cast) == before
    clicked(cast, held_out=True)
    assert len(before & ids(cast)) >= 3


def test_the_sample_is_the_first_by_the_hash_of_their_ids_of_those_that_make_sense(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_CASES", 3)
    masks = [clicked(cast, held_out=True) for _ in range(8)]
    ordered = sorted(
        (str(mask.id) for mask in masks), key=lambda one: sha256(one.encode()).digest()
    )
    Mask.objects.filter(id=ordered[1]).update(prompts=[{**POINT, "x": 5000}])
    found = [case.mask_id for case in replay_cases(cast.project)]
    assert found == [ordered[0], *ordered[2:4]]


def test_only_the_masks_of_the_sample_are_read(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "MOST_CASES", 2)
    read: list[Mask] = []
    make = replays._case
    monkeypatch.setattr(replays, "_case", lambda mask: (read.append(mask), make(mask))[1])
    for _ in range(7):
        clicked(cast, held_out=True)
    assert len(replay_cases(cast.project)) == len(read) == 2


def test_a_click_takes_the_prompting_after_the_first_one_and_the_wait_for_each(cast: Cast) -> None:
    assert team_pace() == replays.TeamPace(None, None)
    mask = clicked(cast, held_out=False)
    timing(mask, num_points=3, prompting_ms=4000.0, waiting_ms=600.0)
    timing(mask, num_points=1, num_boxes=1, prompting_ms=500.0, waiting_ms=400.0)
    timing(mask, num_points=1, prompting_ms=0.0, waiting_ms=9999.0)  # tells nothing of a second
    timing(mask, num_points=9, prompting_ms=1e6, waiting_ms=1e6, flagged="the log has gaps")
    timing(mask, active_ms=None, num_points=9, flagged="the clock ran backwards")
    timing(mask, painting_ms=3000.0, painted_px=1000, erased_px=500)
    pace = team_pace()
    assert pace.seconds_per_click == pytest.approx(4.5 / 3 + 1.0 / 5)
    assert pace.seconds_per_painted_px == pytest.approx(0.002)
