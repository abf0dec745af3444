"""Every page and form of a project, to somebody who manages another one."""

from __future__ import annotations

import re

import pytest
from django.db import transaction
from django.urls import reverse

from annotator.views.urls import urlpatterns
from tests.cast import Cast
from tests.pages.conftest import Visitors
from tests.places import make_places

ROUTES = {
    str(route.name): re.findall(r"<\w+:(\w+)>", str(route.pattern))
    for route in urlpatterns
    if "project_id" in str(route.pattern)
}
METHODS = ("get", "post")


@pytest.fixture
def places(cast: Cast) -> dict[str, str]:
    cast.project.shows_reference_scores = True  # or there is no such page
    cast.project.save()
    found = make_places(cast)
    return {f"{name}_id": word for name, word in found.items()} | {"sha256": found["picture"]}


def statuses(visitor: Visitors, who: str, name: str, places: dict[str, str]) -> set[int]:
    """Of a GET and a POST without fields, what they did undone; those that the address does not know left out."""
    path = reverse(name, kwargs={place: places[place] for place in ROUTES[name]})
    found = set()
    for method in METHODS:
        with transaction.atomic():
            found.add(getattr(visitor(who), method)(path).status_code)
            transaction.set_rollback(True)
    return found - {405}


@pytest.mark.parametrize("name", ROUTES)
def test_nothing_of_a_project_is_there_for_a_stranger(
    visitor: Visitors, cast: Cast, places: dict[str, str], name: str
) -> None:
    assert statuses(visitor, "mallory", name, places) == {404}
    if len(ROUTES[name]) > 1:
        mixed = places | {"project_id": str(cast.elsewhere.id)}
        assert statuses(visitor, "mallory", name, mixed) == {404}, "below her own project"
    members = statuses(visitor, "carol", name, places)
    assert members <= {200, 302, 409, 422} and members, "for its manager it is there"
