"""The benchmark's project is one that people could have made, and its costs are told rightly."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from annotator.models import Interaction, Mask, Project
from annotator.queries.throughput.period import period_of
from annotator.queries.throughput.work import work
from annotator.services.timing import recompute_timings
from benchmarks.dashboard.measuring import measure, outline
from benchmarks.dashboard.seeding import Size, seed_project

MASKS = 300


@pytest.fixture
def project(db: None) -> Project:
    now = timezone.now().replace(microsecond=0)
    return seed_project(Size(masks=MASKS, people=3), name="Seeded", now=now)


def test_seeded_timings_are_what_the_log_yields(project: Project) -> None:
    given_up = Mask.objects.filter(given_up=True).count()
    compared, differences = recompute_timings()
    assert (compared, differences) == (Mask.objects.count() - given_up, [])
    opened = Interaction.objects.filter(kind="open").count()
    assert Interaction.objects.count() == 5 * Mask.objects.count() + opened


def test_seeding_leaves_keys_and_indexes_as_they_were(db: None) -> None:
    def found() -> set[tuple[str, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL"
                " SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
            )
            return set(cursor.fetchall())

    before = found()
    seed_project(Size(masks=40, people=1), name="Seeded", now=timezone.now())
    assert found() == before


def test_a_cost_counts_every_row_that_was_scanned(project: Project) -> None:
    made = Mask.objects.filter(given_up=False).count()
    period = period_of("all", now=timezone.now())
    assert work(project=project, period=period).whole.masks == made
    cost = measure(lambda: Mask.objects.filter(order_index__lt=0).count())
    assert cost.rows_read == Mask.objects.count()
    assert "annotator_mask" in "\n".join(outline(cost.plans[0]))
