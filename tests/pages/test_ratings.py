"""Beginning a rating study on the quality page, its results, and the page of the raters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import Mask, RatingStudy, StudiedMask
from annotator.services.ratings import rate, start_study
from tests.cast import Cast, accepted_mask, make_image
from tests.pages.conftest import Visitors
from tests.pages.test_quality import text_of


@pytest.fixture
def study(cast: Cast) -> RatingStudy:
    """Of two masks in two images."""
    for _ in range(2):
        accepted_mask(make_image(cast.project), cast.alice)
    Mask.objects.update(area=600)
    return start_study(
        project=cast.project, num_masks=9, sources=["annotated"], seed=1, by=cast.carol
    )


def path_of(study: RatingStudy) -> str:
    return f"/projects/{study.project_id}/ratings/{study.id}"


def test_a_manager_begins_one_on_the_quality_page(
    visitor: Visitors, cast: Cast, study: RatingStudy
) -> None:
    carol, base = visitor("carol"), f"/projects/{cast.project.id}/quality"
    begun = carol.post(f"{base}/ratings", {"num_masks": "1", "source": ["annotated"]})
    newest = RatingStudy.objects.exclude(id=study.id).get()
    assert begun["Location"] == path_of(newest) and newest.masks.count() == 1
    assert path_of(newest) in carol.get(base).text
    for fields in ({"num_masks": "0", "source": ["annotated"]}, {"num_masks": "5"}):
        refused = carol.post(f"{base}/ratings", fields)
        assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert (
        carol.post(f"{base}/ratings", {"num_masks": "5", "source": ["imported"]}).status_code == 409
    )
    assert RatingStudy.objects.count() == 2


def test_the_results_stand_by_source(visitor: Visitors, cast: Cast, study: RatingStudy) -> None:
    for studied, ratings in zip(study.masks.order_by("id"), ((9, 8), (6, 6)), strict=True):
        for rater, rating in zip((cast.alice, cast.bob), ratings, strict=True):
            rate(studied=studied, rater=rater, rating=rating)
    shown = text_of(visitor("carol").get(path_of(study)).text)
    assert "4 ratings by 2 raters of 2 masks" in shown
    assert "made here 2 of 2 4 7.25 (6.00 to 8.50) 0 0 0 0 0 2 0 1 1 0" in shown


def test_members_rate_and_only_managers_see_results(
    visitor: Visitors, cast: Cast, study: RatingStudy
) -> None:
    rate(studied=study.masks.order_by("id")[0], rater=cast.alice, rating=4)
    assert "1 of 2" in visitor("alice").get(f"{path_of(study)}/rate").text
    for who, rating, results in (
        ("alice", 200, 403),
        ("carol", 200, 200),
        ("dan", 200, 200),
        ("mallory", 404, 404),
        ("nobody", 302, 302),
    ):
        assert visitor(who).get(f"{path_of(study)}/rate").status_code == rating
        assert visitor(who).get(path_of(study)).status_code == results
    begin = f"/projects/{cast.project.id}/quality/ratings"
    for who, status in (("alice", 403), ("mallory", 404), ("nobody", 302)):
        fields = {"num_masks": "1", "source": ["annotated"]}
        assert visitor(who).post(begin, fields).status_code == status
    elsewhere = path_of(study).replace(str(cast.project.id), str(cast.elsewhere.id))
    for address in (elsewhere, f"{elsewhere}/rate"):
        assert visitor("dan").get(address).status_code == 404
    assert StudiedMask.objects.count() == 2


def test_who_has_masks_left_to_rate_is_led_there_from_the_projects_page(
    visitor: Visitors, cast: Cast, study: RatingStudy
) -> None:
    alice = visitor("alice")
    link = f'href="{path_of(study)}/rate"'
    first = alice.get("/").text
    assert link in first and "asks how good its masks are: 2 masks, from 1 to 10." in first
    assert link not in visitor("mallory").get("/").text, "of another project"
    one, other = study.masks.all()
    rate(studied=one, rater=cast.alice, rating=7)
    assert "you have rated 1 of 2." in alice.get("/").text
    told = alice.get("/api/v1/my-rating-studies").json()["studies"]
    assert [(each["id"], each["num_rated"], each["num_masks"]) for each in told] == [
        (str(study.id), 1, 2)
    ]
    rate(studied=other, rater=cast.bob, rating=7)
    assert link in alice.get("/").text, "another one's ratings are not hers"
    rate(studied=other, rater=cast.alice, rating=7)
    assert link not in alice.get("/").text
    assert alice.get("/api/v1/my-rating-studies").json() == {"studies": []}


def test_an_old_study_and_one_of_an_archived_project_ask_for_nobody(
    visitor: Visitors, cast: Cast, study: RatingStudy
) -> None:
    alice, link = visitor("alice"), f"{path_of(study)}/rate"
    studies = RatingStudy.objects.filter(id=study.id)
    begun = study.created_at
    studies.update(created_at=timezone.now() - timedelta(days=31))
    assert link not in alice.get("/").text
    studies.update(created_at=begun)
    assert link in alice.get("/").text
    study.project.archived_at = timezone.now()
    study.project.save()
    assert link not in alice.get("/").text
