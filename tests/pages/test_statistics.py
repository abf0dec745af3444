"""The statistics page: a project alone, and beside another one or a round."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import JobState, Mask
from annotator.services.mask_checks import check_mask
from tests.api.test_statistics import a_round
from tests.cast import Cast, accepted_mask, make_image, make_model
from tests.pages.conftest import Visitors
from tests.pages.test_quality import text_of


def test_an_empty_project_says_so(visitor: Visitors, cast: Cast) -> None:
    shown = visitor("carol").get(f"/projects/{cast.project.id}/statistics").text
    assert "No masks yet" in shown and "<svg viewBox" not in shown


def test_two_projects_stand_beside_each_other_for_who_manages_both(
    visitor: Visitors, cast: Cast
) -> None:
    for project, num_masks in ((cast.project, 3), (cast.elsewhere, 1)):
        image = make_image(project)
        for _ in range(num_masks):
            accepted_mask(image, cast.dan)
    path = f"/projects/{cast.project.id}/statistics"
    alone = visitor("carol").get(path).text
    assert alone.count("<figcaption>") == 1 and "Elsewhere" not in alone
    compared = visitor("dan").get(f"{path}?with=project:{cast.elsewhere.id}").text
    assert compared.count("<figcaption>") == 2 and 'class="chart-other"' in compared
    assert "Elsewhere: 1" in compared
    assert f'<option value="project:{cast.elsewhere.id}" selected>' in compared


def test_masks_whose_concavity_nobody_measured_yet_are_told(visitor: Visitors, cast: Cast) -> None:
    image = make_image(cast.project)
    masks = [accepted_mask(image, cast.alice) for _ in range(2)]
    path, carol = f"/projects/{cast.project.id}/statistics", visitor("carol")
    assert "2 masks not measured yet" in carol.get(path).text
    check_mask(masks[0])
    assert "1 mask not measured yet" in carol.get(path).text
    check_mask(masks[1])
    assert "not measured yet" not in carol.get(path).text


def test_two_rounds_stand_beside_each_other_and_beside_the_whole(
    visitor: Visitors, cast: Cast
) -> None:
    """Round 1 has one mask, round 2 two, and one is newer than both."""
    image, model = make_image(cast.project), make_model()
    for number, hours in ((1, 30), (2, 20)):
        a_round(cast, model, number, timedelta(hours=hours), JobState.DONE)
    for hours in (40, 25, 24, 5):
        mask = accepted_mask(image, cast.alice)
        accepted_at = timezone.now() - timedelta(hours=hours)
        Mask.objects.filter(id=mask.id).update(accepted_at=accepted_at)
    path, carol = f"/projects/{cast.project.id}/statistics", visitor("carol")

    def masks(query: str) -> str:
        shown = text_of(carol.get(f"{path}?{query}").text)
        return shown.partition(" images with masks ")[0].rpartition(" masks ")[2]

    assert masks("") == "4"
    assert masks("of=round:2&with=round:1") == "2 round 1: 1"
    assert masks("of=round:1&with=round:2") == "1 round 2: 2"
    assert masks("with=round:2") == "4 round 2: 2"
    compared = carol.get(f"{path}?of=round:2&with=round:1").text
    assert '<option value="round:2" selected>' in compared
    assert '<option value="round:1" selected>' in compared
    assert compared.count("statistics/concavity.csv?round=2") == 1
    assert "<figcaption>round 2</figcaption>" in compared


@pytest.mark.parametrize("word", ["project:{other}", "round:9", "round:x", "color:red"])
def test_what_is_no_part_of_the_project_is_refused(
    visitor: Visitors, cast: Cast, word: str
) -> None:
    wanted = word.format(other=cast.elsewhere.id)
    reply = visitor("carol").get(f"/projects/{cast.project.id}/statistics", {"of": wanted})
    assert reply.status_code == 422 and 'role="alert"' in reply.text


@pytest.mark.parametrize(
    "word", ["project:{other}", "project:x", "round:1", "round:x", "round:²", "color:red"]
)
def test_what_cannot_be_compared_is_refused(visitor: Visitors, cast: Cast, word: str) -> None:
    wanted = word.format(other=cast.elsewhere.id)
    reply = visitor("carol").get(f"/projects/{cast.project.id}/statistics", {"with": wanted})
    assert reply.status_code == 422 and 'role="alert"' in reply.text
