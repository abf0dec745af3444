"""Rating studies: what is drawn, what raters get, and the numbers of each source."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotator.models import AuditEntry, Image, Mask, MaskOrigin, Rating, StudiedMask
from common import rle
from tests.cast import Browser, Cast, accepted_mask, asymmetric_mask, make_image

Browsers = Callable[[str], Browser]
LARGE = 24 * 24


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Two in each of four images: imported in the third, of a reference image in the fourth."""
    made = []
    for number in range(4):
        image = make_image(cast.project)
        made += [accepted_mask(image, cast.alice) for _ in range(2)]
        Image.objects.filter(id=image.id).update(is_reference=number == 3)
    Mask.objects.update(area=LARGE)
    Mask.objects.filter(id__in=[mask.id for mask in made[4:6]]).update(origin=MaskOrigin.IMPORTED)
    return made


def begin(browser: Browser, cast: Cast, **changes: Any) -> Any:
    body = {"num_masks": 100, "seed": 5, **changes}
    return browser.post(f"projects/{cast.project.id}/rating-studies", body)


def rate(browser: Browser, study: str, studied: object, rating: object) -> Any:
    return browser.send("PUT", f"rating-studies/{study}/ratings/{studied}", {"rating": rating})


def rate_all(browser: Browser, study: str, ratings: dict[str, int]) -> list[str]:
    """Rates by source, in the order that this rater is given; returns the ids in that order."""
    order = []
    while (found := browser.get(f"rating-studies/{study}/next").json())["next"] is not None:
        studied = StudiedMask.objects.get(id=found["next"]["id"])
        assert found["num_rated"] == len(order)
        assert rate(browser, study, studied.id, ratings[studied.source]).status_code == 200
        order.append(str(studied.id))
    return order


def test_each_source_gives_so_many_masks_drawn_by_the_seed(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    def drawn(**changes: Any) -> set[object]:
        study = begin(browser("carol"), cast, **changes).json()["id"]
        return set(StudiedMask.objects.filter(study=study).values_list("mask_id", flat=True))

    assert drawn() == {mask.id for mask in masks[:4]}
    assert drawn(sources=["imported", "reference"]) == {mask.id for mask in masks[4:]}
    by_seed = [frozenset(drawn(num_masks=2, seed=seed)) for seed in range(12)]
    assert {len(one) for one in by_seed} == {2} and len(set(by_seed)) > 1
    assert drawn(num_masks=2, seed=3) == by_seed[3]
    assert AuditEntry.objects.filter(act="rating_study.started", person=cast.carol).count() == 15


def test_what_cannot_be_drawn_is_refused(cast: Cast, browser: Browsers, masks: list[Mask]) -> None:
    carol = browser("carol")
    for changes in ({"num_masks": 0}, {"num_masks": 1001}, {"sources": []}, {"sources": ["cup"]}):
        assert begin(carol, cast, **changes).status_code == 422, changes
    Mask.objects.filter(id=masks[4].id).update(area=LARGE - 1)
    Mask.objects.filter(id=masks[5].id).delete()
    refused = begin(carol, cast, sources=["annotated", "imported"])
    assert refused.json()["error"]["code"] == "nothing_to_rate"
    assert not StudiedMask.objects.exists()


def test_raters_see_the_mask_as_it_was_and_not_where_it_comes_from(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    study = begin(browser("carol"), cast, num_masks=1, sources=["reference"]).json()["id"]
    studied = StudiedMask.objects.get()
    Mask.objects.update(counts="changed", state="deleted")
    found = browser("alice").get(f"rating-studies/{study}/next").json()
    picture = masks[0].image.picture
    assert found == {
        "num_rated": 0,
        "num_masks": 1,
        "next": {
            "id": str(studied.id),
            "image": str(studied.mask.image_id),
            "width": picture.width,
            "height": picture.height,
            "rle": {
                "size": [picture.height, picture.width],
                "counts": rle.encode(asymmetric_mask(width=picture.width, height=picture.height)),
            },
        },
    }


def test_everybody_has_an_order_of_their_own_and_one_rating_for_each_mask(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    sources = ["annotated", "imported", "reference"]
    study = begin(browser("carol"), cast, sources=sources).json()["id"]
    first = browser("alice").get(f"rating-studies/{study}/next").json()
    assert browser("alice").get(f"rating-studies/{study}/next").json() == first
    given = dict.fromkeys(sources, 7)
    orders = [rate_all(browser(name), study, given) for name in ("alice", "bob", "carol")]
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    assert len(orders[0]) == 8 and len({tuple(order) for order in orders}) > 1
    assert rate(browser("alice"), study, orders[0][0], 3).status_code == 200
    assert Rating.objects.filter(rater=cast.alice).count() == 8
    assert Rating.objects.get(rater=cast.alice, studied_id=orders[0][0]).rating == 3


@pytest.mark.parametrize("rating", [0, 11, "7", 7.5, None])
def test_a_rating_is_a_whole_number_from_1_to_10(
    cast: Cast, browser: Browsers, masks: list[Mask], rating: object
) -> None:
    study = begin(browser("carol"), cast).json()["id"]
    studied = StudiedMask.objects.first()
    assert studied is not None
    assert rate(browser("alice"), study, studied.id, rating).status_code == 422
    assert not Rating.objects.exists()


def test_the_numbers_of_each_source_are_those_counted_by_hand(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    study = begin(browser("carol"), cast, sources=["annotated", "imported"]).json()["id"]
    rate_all(browser("alice"), study, {"annotated": 6, "imported": 10})
    for place, rating in ((0, 9), (1, 9), (2, 4)):
        studied = StudiedMask.objects.get(mask=masks[place])
        assert rate(browser("bob"), study, studied.id, rating).status_code == 200
    found = browser("carol").get(f"rating-studies/{study}").json()
    assert found["num_raters"] == 2
    annotated, imported = found["sources"]
    assert (annotated["num_masks"], annotated["num_rated"], annotated["num_ratings"]) == (4, 4, 7)
    assert annotated["counts"] == [0, 0, 0, 1, 0, 4, 0, 0, 2, 0]
    assert annotated["mean"] == pytest.approx((4 * 6 + 9 + 9 + 4) / 7)
    # Two images: drawn again they are the first twice (mean 7.5), the second twice, or both.
    assert annotated["interval"] == pytest.approx([(6 + 6 + 4) / 3, (6 + 6 + 9 + 9) / 4])
    assert (imported["mean"], imported["interval"]) == (10.0, None), "of one image alone"
    listed = browser("carol").get(f"projects/{cast.project.id}/rating-studies").json()
    assert listed["studies"] == [found]

    text = browser("carol").get(f"rating-studies/{study}/ratings.csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 9
    by_bob = sorted((row["mask"], row["rating"]) for row in rows if row["rater"] == "bob")
    expected = [(str(mask.id), num) for mask, num in zip(masks, ("9", "9", "4"), strict=False)]
    assert by_bob == sorted(expected)
    assert np.mean([int(row["rating"]) for row in rows if row["source"] == "imported"]) == 10


def test_masks_of_images_that_were_removed_are_asked_for_no_more(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    study = begin(browser("carol"), cast).json()["id"]
    assert browser("carol").send("DELETE", f"images/{masks[0].image_id}").status_code == 204
    assert browser("alice").get(f"rating-studies/{study}/next").json()["num_masks"] == 2
    gone = StudiedMask.objects.get(mask=masks[0])
    assert rate(browser("alice"), study, gone.id, 5).status_code == 404


def test_a_mask_is_rated_in_its_own_study_alone(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    first, second = (begin(browser("carol"), cast).json()["id"] for _ in range(2))
    studied = StudiedMask.objects.filter(study=first).first()
    assert studied is not None
    assert rate(browser("alice"), second, studied.id, 5).status_code == 404
    assert rate(browser("mallory"), first, studied.id, 5).status_code == 404
