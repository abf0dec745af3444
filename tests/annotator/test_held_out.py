"""The share of a project's images that no model is trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from annotator.models import Image, Project
from annotator.queries.training_sets import snapshot_masks
from annotator.services.images import Upload, add_images, is_held_out
from tests import pictures
from tests.cast import Cast, accepted_mask

HASHES = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4000)]


@pytest.mark.parametrize("percent", [0, 10, 25, 50])
def test_the_share_is_what_was_asked_for(percent: int) -> None:
    share = sum(is_held_out(sha256=sha256, percent=percent) for sha256 in HASHES) / len(HASHES)
    assert share == pytest.approx(percent / 100, abs=0.02)
    assert (share == 0) == (percent == 0)


def test_a_larger_share_contains_the_smaller_one() -> None:
    small, large = (
        {sha256 for sha256 in HASHES if is_held_out(sha256=sha256, percent=percent)}
        for percent in (10, 20)
    )
    assert small < large


def test_a_picture_falls_the_same_way_in_every_project(cast: Cast, tmp_path: Path) -> None:
    first = add_pictures(cast.project, tmp_path, percent=50)
    assert set(first.values()) == {True, False}
    assert add_pictures(cast.elsewhere, tmp_path, percent=50) == first


def test_another_share_is_for_the_images_added_from_then_on(cast: Cast, tmp_path: Path) -> None:
    assert set(add_pictures(cast.project, tmp_path, percent=0).values()) == {False}
    again = add_pictures(cast.project, tmp_path, percent=50)
    assert set(again.values()) == {False}, "a model may have been trained on them"


def test_masks_of_the_share_are_for_scoring_only(cast: Cast, tmp_path: Path) -> None:
    add_pictures(cast.project, tmp_path, percent=50)
    images = Image.objects.filter(project=cast.project)
    for image in images:
        accepted_mask(image, cast.alice)
    splits = {mask.image_sha256: mask.split for mask in snapshot_masks(cast.project)}
    assert splits == {
        image.picture_id: "held_out" if image.held_out else "train" for image in images
    }


def add_pictures(project: Project, folder: Path, *, percent: int) -> dict[str, bool]:
    """Adds twelve pictures, the same each time; whether each is held out, by its name."""
    project.held_out_percent = percent
    project.save()
    uploads = []
    for number in range(12):
        path = folder / f"{number}.png"
        path.write_bytes(pictures.png(seed=number))
        uploads.append(Upload(path.name, path))
    assert add_images(project=project, uploads=uploads, by=None).refused == []
    return dict(Image.objects.filter(project=project).values_list("name", "held_out"))
