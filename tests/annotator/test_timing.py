"""Where the time of a mask goes, by the rules alone."""

from __future__ import annotations

import pytest

from annotator.queries.timing import LONGEST_GAP_MS, Act, derive_timing


def acts(*given: tuple[str, float] | tuple[str, float, float]) -> list[Act]:
    return [Act(one[0], one[1], one[2] if len(one) > 2 else None) for one in given]


def test_time_before_the_first_click_is_looking() -> None:
    timing = derive_timing([acts(("open", 0), ("point", 700), ("accept", 900))])
    assert (timing.looking_ms, timing.prompting_ms, timing.active_ms) == (900, 0, 900)


def test_time_between_clicks_is_prompting_and_the_decoders_part_waiting() -> None:
    segment = acts(
        ("open", 0),
        ("point", 100),
        ("decode", 180, 80),
        ("point", 400),
        ("decode", 500, 60),
        ("accept", 900),
    )
    timing = derive_timing([segment])
    assert timing.waiting_ms == 140
    assert timing.prompting_ms == 220 + 40
    assert timing.looking_ms == 100 + 400
    assert timing.decode_ms == [80, 60]


def test_a_decode_cannot_have_taken_longer_than_the_time_since_the_click() -> None:
    timing = derive_timing(
        [acts(("open", 0), ("point", 100), ("decode", 150, 9000), ("accept", 150))]
    )
    assert (timing.waiting_ms, timing.active_ms) == (50, 150)


def test_strokes_are_painting() -> None:
    timing = derive_timing(
        [acts(("open", 0), ("stroke", 1000, 300), ("stroke", 1800, 500), ("accept", 2000))]
    )
    assert (timing.painting_ms, timing.looking_ms, timing.num_strokes) == (800, 1200, 2)


@pytest.mark.parametrize(("away", "back"), [("hidden", "visible"), ("idle", "active")])
def test_hidden_and_idle_time_never_counts(away: str, back: str) -> None:
    segment = acts(("open", 0), ("point", 100), (away, 200), (back, 90_200), ("accept", 90_300))
    timing = derive_timing([segment])
    assert (timing.idle_ms, timing.active_ms) == (90_000, 300)


def test_clicks_while_marked_idle_do_not_make_it_active() -> None:
    timing = derive_timing(
        [acts(("open", 0), ("idle", 10), ("point", 500), ("active", 600), ("accept", 700))]
    )
    assert (timing.idle_ms, timing.active_ms) == (590, 110)


def test_a_silence_of_many_minutes_is_idle_without_a_mark() -> None:
    timing = derive_timing([acts(("open", 0), ("accept", LONGEST_GAP_MS + 5000))])
    assert (timing.idle_ms, timing.active_ms) == (5000, LONGEST_GAP_MS)


def test_pages_before_a_reload_count_with_their_own_clock() -> None:
    before = acts(("open", 50_000), ("point", 50_400))
    after = acts(("open", 20), ("point", 120), ("accept", 320))
    timing = derive_timing([before, after])
    assert (timing.active_ms, timing.num_points) == (700, 2)


def test_phases_always_add_up_to_the_time_that_passed() -> None:
    kinds = (
        "open",
        "point",
        "decode",
        "stroke",
        "idle",
        "box",
        "active",
        "candidate",
        "undo",
        "accept",
    )
    segment = [Act(kind, 137.0 * n * n, 40.0) for n, kind in enumerate(kinds)]
    timing = derive_timing([segment])
    assert timing.active_ms is not None and timing.idle_ms is not None
    assert timing.active_ms + timing.idle_ms == pytest.approx(137.0 * 81)


@pytest.mark.parametrize(
    "segment",
    [
        acts(("open", 100), ("point", 50), ("accept", 200)),
        [Act("open", None), Act("accept", 100.0)],
        acts(("open", 0), ("accept", 13 * 3_600_000)),
        [],
    ],
)
def test_a_clock_that_makes_no_sense_gives_no_times_but_counts(segment: list[Act]) -> None:
    timing = derive_timing([segment])
    assert timing.active_ms is timing.looking_ms is timing.idle_ms is None
    assert timing.flagged
    assert timing.num_points == sum(act.kind == "point" for act in segment)
