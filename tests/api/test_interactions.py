"""The interaction log over HTTP: stored once, faults flagged, never 5xx, and masks timed from it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from annotator.models import Assignment, Interaction, Mask, MaskTiming
from annotator.queries.timing import segments_before
from annotator.services.timing import recompute_timings, write_overdue_timings
from tests.cast import Browser, save_body

Browsers = Callable[[str], Browser]


def act(seq: int, kind: str, at_ms: Any, mask: object = None, **detail: object) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "seq": seq,
        "kind": kind,
        "mask": mask and str(mask),
        "at_ms": at_ms,
        "detail": detail,
    }


def batch(lent: Assignment, page: object, acts: list[Any]) -> dict[str, object]:
    return {"assignment": str(lent.id), "page": str(page), "interactions": acts}


def whole_mask(mask: object) -> list[dict[str, Any]]:
    """1.0 s looking, 0.2 s waiting and 0.3 s prompting for two clicks, 0.5 s painting, 0.4 s looking."""
    return [
        act(0, "open", 1000.0),
        act(1, "point", 2000.0, mask, x=6, y=15, label=1),
        act(2, "decode", 2100.0, mask, latency_ms=100.0, predicted_iou=0.9),
        act(3, "point", 2400.0, mask, x=7, y=3, label=0),
        act(4, "decode", 2500.0, mask, latency_ms=100.0),
        act(5, "stroke", 3000.0, mask, duration_ms=500.0, painted_px=40, erased_px=2),
        act(6, "accept", 3400.0, mask),
    ]


def test_a_batch_is_stored_once_however_often_it_is_sent(
    browser: Browsers, lent: Assignment
) -> None:
    body = batch(lent, uuid.uuid4(), whole_mask(uuid.uuid4()))
    for _ in range(3):
        reply = browser("alice").post("interactions", body)
        assert (reply.status_code, reply.json()) == (200, {"stored": 7})
    assert Interaction.objects.count() == 7
    assert not Interaction.objects.exclude(flagged="").exists()


@pytest.mark.parametrize("log_first", [True, False])
def test_an_accepted_mask_is_timed_whichever_comes_first(
    browser: Browsers, lent: Assignment, log_first: bool
) -> None:
    alice, mask_id, page = browser("alice"), uuid.uuid4(), uuid.uuid4()
    sends = [
        lambda: alice.post("interactions", batch(lent, page, whole_mask(mask_id))),
        lambda: alice.save(mask_id, save_body(lent, state="accepted")),
    ]
    for send in sends if log_first else reversed(sends):
        assert send().status_code in {200, 201}
    timing = MaskTiming.objects.get()
    assert (timing.mask_id, timing.version, timing.flagged) == (mask_id, 1, "")
    assert timing.looking_ms == pytest.approx(1400.0)
    assert timing.prompting_ms == pytest.approx(300.0)
    assert timing.waiting_ms == pytest.approx(200.0)
    assert timing.painting_ms == pytest.approx(500.0)
    assert timing.idle_ms == 0.0
    assert timing.active_ms == pytest.approx(2400.0)
    assert (timing.num_points, timing.num_strokes) == (2, 1)
    assert (timing.painted_px, timing.erased_px) == (40, 2)
    assert timing.decode_ms == [100.0, 100.0]
    assert recompute_timings() == (1, [])


def test_a_timing_waits_until_the_log_has_no_gaps(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id, page = browser("alice"), uuid.uuid4(), uuid.uuid4()
    acts = whole_mask(mask_id)
    alice.save(mask_id, save_body(lent, state="accepted"))
    alice.post("interactions", batch(lent, page, acts[:3] + acts[5:]))
    assert not MaskTiming.objects.exists()
    alice.post("interactions", batch(lent, page, acts))
    assert MaskTiming.objects.get().flagged == ""


def test_what_never_arrives_is_flagged_minutes_later(browser: Browsers, lent: Assignment) -> None:
    alice, gappy, silent, page = browser("alice"), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    acts = whole_mask(gappy)
    alice.post("interactions", batch(lent, page, acts[:3] + acts[5:]))
    for mask_id in (gappy, silent):
        alice.save(mask_id, save_body(lent, state="accepted"))
    assert write_overdue_timings() == 0
    Mask.objects.update(accepted_at=timezone.now() - timedelta(minutes=10))
    assert write_overdue_timings() == 2
    assert MaskTiming.objects.get(mask=gappy).flagged == "the log has gaps"
    lonely = MaskTiming.objects.get(mask=silent)
    assert (lonely.active_ms, lonely.flagged) == (None, "no interactions")


def test_a_timing_is_never_rewritten(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id, page = browser("alice"), uuid.uuid4(), uuid.uuid4()
    alice.save(mask_id, save_body(lent, state="accepted"))
    alice.post("interactions", batch(lent, page, whole_mask(mask_id)))
    before = MaskTiming.objects.values().get()
    alice.post("interactions", batch(lent, page, [act(3, "point", 2450.0, mask_id)]))
    assert MaskTiming.objects.values().get() == before
    compared, differences = recompute_timings()
    assert compared == 1
    assert {one.field for one in differences} >= {"num_points"}


def test_the_command_names_what_differs_from_the_log_and_fails(
    browser: Browsers, lent: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    alice.post("interactions", batch(lent, uuid.uuid4(), whole_mask(mask_id)))
    alice.save(mask_id, save_body(lent, state="accepted"))
    call_command("recompute_timings")
    assert capsys.readouterr().out == "1 timings compared, 0 differences.\n"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotator_masktiming SET painting_ms = 9, num_points = 7")
    with pytest.raises(CommandError, match="differ from the log"):
        call_command("recompute_timings")
    told = capsys.readouterr().out
    assert f"mask {mask_id} version 1: painting_ms stored 9.0, derived 500.0" in told
    assert f"mask {mask_id} version 1: num_points stored 7, derived 2" in told
    assert "1 timings compared, 2 differences." in told
    assert MaskTiming.objects.get().num_points == 7, "it compares, and changes nothing"


def test_each_accepted_version_has_its_own_timing(browser: Browsers, lent: Assignment) -> None:
    alice, mask_id, page = browser("alice"), uuid.uuid4(), uuid.uuid4()
    alice.save(mask_id, save_body(lent, state="accepted"))
    alice.post("interactions", batch(lent, page, whole_mask(mask_id)))
    alice.save(mask_id, save_body(lent), version=1)
    alice.save(mask_id, save_body(lent, state="accepted"), version=2)
    more = [act(7, "point", 3900.0, mask_id), act(8, "accept", 4400.0, mask_id)]
    alice.post("interactions", batch(lent, page, more))
    first, second = MaskTiming.objects.order_by("version")
    assert (first.version, second.version) == (1, 3)
    assert second.active_ms == pytest.approx(1000.0)


BAD = {
    "backwards": 500.0,
    "negative": -3,
    "text": "soon",
    "absent": None,
    "a year in the year 2999": 3e13,
    "true": True,
    "huge": 10**300,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_clock_never_costs_a_mask(browser: Browsers, lent: Assignment, kind: str) -> None:
    alice, mask_id = browser("alice"), uuid.uuid4()
    acts = whole_mask(mask_id)
    acts[4]["at_ms"] = BAD[kind]
    assert alice.post("interactions", batch(lent, uuid.uuid4(), acts)).status_code == 200
    assert alice.save(mask_id, save_body(lent, state="accepted")).status_code == 201
    timing = MaskTiming.objects.get()
    assert (timing.active_ms, timing.idle_ms, timing.num_points) == (None, None, 2)
    assert timing.flagged


@pytest.mark.parametrize(
    ("changes", "flagged"),
    [
        ({"kind": "dance"}, "unknown kind"),
        ({"kind": None}, "unknown kind"),
        ({"seq": -1}, "bad sequence"),
        ({"seq": "1"}, "bad sequence"),
        ({"mask": "nobody"}, "bad mask id"),
        ({"mask": 7}, "bad mask id"),
        ({"detail": []}, "bad detail"),
        ({"detail": {"path": "x" * 300_000}}, "detail too long"),
        ({"colour": "red"}, "unknown field"),
    ],
)
def test_a_faulty_interaction_is_stored_and_flagged(
    browser: Browsers, lent: Assignment, changes: dict[str, object], flagged: str
) -> None:
    body = batch(lent, uuid.uuid4(), [{**act(0, "open", 1.0), **changes}])
    assert browser("alice").post("interactions", body).json() == {"stored": 1}
    assert Interaction.objects.get().flagged == flagged


def test_an_interaction_without_an_id_is_left_out(browser: Browsers, lent: Assignment) -> None:
    acts = [{**act(0, "open", 1.0), "id": bad} for bad in (None, 3, "x", str(uuid.uuid4()).upper())]
    reply = browser("alice").post("interactions", batch(lent, uuid.uuid4(), acts))
    assert reply.json() == {"stored": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"interactions": [1]},
        {"interactions": "x"},
        {"page": "x"},
        {"assignment": None},
        {"interactions": [{}] * 1001},
    ],
)
def test_a_body_that_is_no_batch_is_422(
    browser: Browsers, lent: Assignment, change: dict[str, object]
) -> None:
    body = {**batch(lent, uuid.uuid4(), []), **change}
    assert browser("alice").post("interactions", body).status_code == 422


def test_another_persons_log_is_404(browser: Browsers, lent: Assignment) -> None:
    body = batch(lent, uuid.uuid4(), whole_mask(uuid.uuid4()))
    for name in ("bob", "mallory"):
        assert browser(name).post("interactions", body).status_code == 404
    assert not Interaction.objects.exists()


def test_the_log_is_not_read_over_http(browser: Browsers) -> None:
    assert browser("alice").get("interactions").status_code == 405


def test_a_mask_begun_before_a_reload_is_timed_over_both_pages(
    browser: Browsers, lent: Assignment
) -> None:
    alice, mask_id, before, after = browser("alice"), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    first = [act(0, "open", 90_000.0), act(1, "point", 90_600.0, mask_id)]
    second = [
        act(0, "open", 10.0),
        act(1, "point", 210.0, mask_id),
        act(2, "accept", 410.0, mask_id),
    ]
    alice.post("interactions", batch(lent, before, first))
    alice.post("interactions", batch(lent, after, second))
    alice.save(mask_id, save_body(lent, state="accepted"))
    timing = MaskTiming.objects.get()
    assert (timing.active_ms, timing.num_points) == (pytest.approx(1000.0), 2)


def test_time_on_an_object_that_was_given_up_is_not_the_next_masks(
    browser: Browsers, lent: Assignment
) -> None:
    alice, hard, easy = browser("alice"), uuid.uuid4(), uuid.uuid4()
    acts = [
        act(0, "open", 0.0),
        act(1, "point", 500.0, hard),
        act(2, "give_up", 30_500.0, hard),
        act(3, "point", 31_000.0, easy),
        act(4, "accept", 31_400.0, easy),
    ]
    alice.post("interactions", batch(lent, uuid.uuid4(), acts))
    alice.save(hard, save_body(lent, given_up=True))
    alice.save(easy, save_body(lent, state="accepted"))
    timing = MaskTiming.objects.get()
    assert (timing.mask_id, timing.active_ms) == (easy, pytest.approx(900.0))


def test_timing_a_mask_reads_no_more_rows_after_a_hundred_others(
    browser: Browsers, lent: Assignment, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    alice, page = browser("alice"), uuid.uuid4()
    acts, last = [act(0, "open", 0.0)], uuid.uuid4()
    for number in range(100):
        mask_id = last if number == 99 else uuid.uuid4()
        start = 2 * number
        acts += [
            act(start + 1, "point", 100.0 * start + 100, mask_id),
            act(start + 2, "accept", 100.0 * start + 200, mask_id),
        ]
    alice.post("interactions", batch(lent, page, acts))
    alice.save(last, save_body(lent, state="accepted"))
    accept = Interaction.objects.get(mask_id_hint=last, kind="accept")
    with django_assert_max_num_queries(4):  # type: ignore[attr-defined]
        logged = segments_before(accept)
    assert [len(segment) for segment in logged.segments] == [3]
