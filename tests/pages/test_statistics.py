"""The statistics page: a project alone, and beside another one or a round."""

from __future__ import annotations

import pytest

from tests.cast import Cast, accepted_mask, make_image
from tests.pages.conftest import Visitors


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


@pytest.mark.parametrize(
    "word", ["project:{other}", "project:x", "round:1", "round:x", "round:²", "color:red"]
)
def test_what_cannot_be_compared_is_refused(visitor: Visitors, cast: Cast, word: str) -> None:
    wanted = word.format(other=cast.elsewhere.id)
    reply = visitor("carol").get(f"/projects/{cast.project.id}/statistics", {"with": wanted})
    assert reply.status_code == 422 and 'role="alert"' in reply.text
