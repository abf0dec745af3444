"""The benchmark's project is one that people could have made, and its costs are told rightly."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image as Pixels

from annotator.models import (
    Image,
    Interaction,
    Mask,
    MaskCheck,
    MaskRevision,
    Picture,
    Project,
    Promotion,
)
from annotator.queries.throughput.period import period_of
from annotator.queries.throughput.work import work
from annotator.services.mask_checks import check_mask
from annotator.services.mask_history import stored_runs
from annotator.services.pictures import picture_keys
from annotator.services.stores import file_storage
from annotator.services.timing import recompute_timings
from benchmarks.dashboard.beside import add_the_rest, page_questions
from benchmarks.dashboard.filling import fill_project
from benchmarks.dashboard.measuring import measure, outline
from benchmarks.dashboard.seeding import Size, seed_project
from common import rle

MASKS = 300


@pytest.fixture
def project(db: None) -> Project:
    now = timezone.now().replace(microsecond=0)
    return seed_project(Size(masks=MASKS, people=3, images=30), name="Seeded", now=now)


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
    seed_project(Size(masks=40, people=1, images=3), name="Seeded", now=timezone.now())
    assert found() == before


def test_a_cost_counts_every_row_that_was_scanned(project: Project) -> None:
    made = Mask.objects.filter(given_up=False).count()
    period = period_of("all", now=timezone.now())
    assert work(project=project, period=period).whole.masks == made
    cost = measure(lambda: Mask.objects.filter(order_index__lt=0).count())
    assert cost.rows_read == Mask.objects.count()
    assert "annotator_mask" in "\n".join(outline(cost.plans[0]))


def test_a_filled_project_has_pictures_and_masks_that_fit_them(
    db: None, settings: object, tmp_path: Path
) -> None:
    settings.STORAGE_URL = tmp_path.as_uri()  # type: ignore[attr-defined]
    num_masks = fill_project("Filled", masks=60, images=3)
    assert num_masks == MaskRevision.objects.count() == 60
    assert Image.objects.count() == 3
    for image in Image.objects.select_related("picture"):
        picture = image.picture
        for key in picture_keys(sha256=picture.sha256, file_type=picture.file_type):
            with Pixels.open(io.BytesIO(file_storage().read_bytes(key))) as file:
                assert file.size == (picture.width, picture.height)
    told = list(MaskCheck.objects.order_by("pk").values())
    for mask in Mask.objects.select_related("image__picture"):
        runs = stored_runs(mask.counts, picture=mask.image.picture)
        height = mask.image.picture.height
        assert (mask.area, mask.box) == (rle.area(runs), list(rle.box(runs, height=height)))
        if mask.state == "accepted":
            check_mask(mask)
    assert list(MaskCheck.objects.order_by("pk").values()) == told != []


def test_filling_twice_shares_pictures_and_leaves_the_model_in_use_where_it_is(
    db: None, settings: object, tmp_path: Path
) -> None:
    settings.STORAGE_URL = tmp_path.as_uri()  # type: ignore[attr-defined]
    for name in ("First", "Second"):
        fill_project(name, masks=40, images=3)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as at the end of a transaction
    assert (Promotion.objects.count(), Picture.objects.count(), Image.objects.count()) == (1, 3, 6)


def test_every_page_beside_the_dashboard_has_something_to_show(project: Project) -> None:
    add_the_rest(project)
    for name, ask in page_questions(project).items():
        assert measure(ask).plans, name
        if name not in {"quality: reference images", "quality: agreement"}:
            assert ask(), name
    assert page_questions(project)["rating: the next mask"]()[0] is not None  # type: ignore[index]
