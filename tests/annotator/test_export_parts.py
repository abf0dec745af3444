"""Exports of a part: what a round trained on, what came since, and what a filter lets through."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from annotator.models import (
    Export,
    Image,
    Job,
    JobKind,
    Mask,
    MaskOrigin,
    MaskState,
    Review,
    ReviewOutcome,
    Round,
)
from annotator.queries.export_parts import ExportPart
from annotator.queries.training_sets import snapshot_masks
from annotator.services.export_formats.source import Selection
from annotator.services.exports import FORMATS
from annotator.services.mask_history import revision_of
from annotator.services.stores import file_storage
from common import rle
from common.snapshots import snapshot_key, write_snapshot
from tests.cast import Browser, Cast, accepted_mask, asymmetric_mask, counts, make_image, make_model

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[str], Browser]


def written(cast: Cast, format: str = "coco", **part: Any) -> bytes:
    out = io.BytesIO()
    FORMATS[format].write(Selection(cast.project, ExportPart(**part)), out, lambda share: None)
    return out.getvalue()


def exported(cast: Cast, **part: Any) -> list[str]:
    """Ids of the masks, in the order of the file."""
    content = json.loads(written(cast, **part))
    images = {image["id"] for image in content["images"]}
    assert images >= {one["image_id"] for one in content["annotations"]}
    assert not part or images == {one["image_id"] for one in content["annotations"]}
    return [one["mask_id"] for one in content["annotations"]]


def begin_round(cast: Cast, *, number: int = 1) -> Round:
    """A round that begins now, on the masks that there are."""
    content = write_snapshot(snapshot_masks(cast.project))
    file_storage().put_bytes(snapshot_key(content), content)
    return Round.objects.create(
        project=cast.project,
        number=number,
        job=Job.objects.create(kind=JobKind.TRAIN, subject=f"round {number}"),
        snapshot_key=snapshot_key(content),
        num_images=1,
        num_masks=1,
        base=make_model(promote=False),
    )


def decide(mask: Mask, cast: Cast, outcome: ReviewOutcome) -> None:
    Review.objects.create(
        decision_id=uuid.uuid4(),
        mask=mask,
        version=mask.version,
        counts_sha256=mask.counts_sha256,
        outcome=outcome,
        reason="other" if outcome == ReviewOutcome.REJECTED else "",
        reviewer=cast.carol,
    )


def refine(mask: Mask, *, grown: int) -> None:
    """As a save does."""
    picture = mask.image.picture
    mask.counts = counts(grown=grown, width=picture.width, height=picture.height)
    mask.counts_sha256 = rle.counts_sha256(mask.counts)
    mask.area += 4 * grown
    mask.version += 1
    mask.prompts = [{"kind": "point", "x": 1, "y": 2, "label": 1}]
    mask.model_version = make_model(promote=False)
    mask.save()
    revision_of(mask).save()


@pytest.fixture
def masks(cast: Cast) -> list[Mask]:
    """Alice's, Bob's and an imported one, on the first, third and fourth of four images."""
    first, _, third, fourth = (make_image(cast.project, width=60 + each) for each in range(4))
    found = [
        accepted_mask(first, cast.alice),
        accepted_mask(third, cast.bob),
        accepted_mask(fourth, cast.alice),
    ]
    found[2].origin = MaskOrigin.IMPORTED
    found[1].accepted_at = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    found[2].accepted_at = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)
    for mask in found:
        mask.save()
        revision_of(mask).save()
    return found


def test_a_filter_lets_through_what_it_says(cast: Cast, masks: list[Mask]) -> None:
    alices, bobs, imported = (str(mask.id) for mask in masks)
    before, after = date(2026, 11, 20), date(2026, 11, 21)
    assert exported(cast) == [alices, bobs, imported]
    assert exported(cast, author=cast.alice.id) == [alices, imported]
    assert exported(cast, origin="imported") == [imported]
    assert exported(cast, author=cast.alice.id, origin="annotated") == [alices]
    assert exported(cast, last_day=before) == [bobs]
    assert exported(cast, first_day=after) == [alices, imported]
    assert exported(cast, first_day=after, last_day=after) == [imported]
    decide(masks[0], cast, ReviewOutcome.ACCEPTED)
    decide(masks[1], cast, ReviewOutcome.REJECTED)
    assert exported(cast, reviewed=True) == [alices]
    assert exported(cast, reviewed=False) == [imported]
    refine(masks[0], grown=2)
    assert exported(cast, reviewed=True) == [], "nobody has seen these pixels"


def test_what_came_since_a_round_is_what_the_next_one_calls_new(
    cast: Cast, masks: list[Mask]
) -> None:
    begin_round(cast)
    assert exported(cast, since_round=1) == []
    refine(masks[1], grown=1)
    late = accepted_mask(masks[0].image, cast.bob)
    assert set(exported(cast, since_round=1)) == {str(masks[1].id), str(late.id)}
    begin_round(cast, number=2)
    assert exported(cast, since_round=2) == []
    assert len(exported(cast, since_round=1, author=cast.bob.id)) == 2


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_round_trained_on_stays_what_it_was(
    cast: Cast, masks: list[Mask], format: str
) -> None:
    Image.objects.filter(id=masks[2].image_id).update(held_out=True)
    begin_round(cast)
    first = written(cast, format, trained_in=1)
    refine(masks[0], grown=3)
    refine(masks[0], grown=5)
    Mask.objects.filter(id=masks[1].id).update(state=MaskState.DELETED)
    accepted_mask(masks[0].image, cast.alice)
    assert sorted(exported(cast, trained_in=1)) == sorted(str(mask.id) for mask in masks[:2])
    second = written(cast, format, trained_in=1)
    if format != "provenance":
        assert second == first
        return
    before, after = (json.loads(content.splitlines()[0]) for content in (first, second))
    grows = {"versions", "timings"}  # the history goes on
    assert {key: before[key] for key in before if key not in grows} == {
        key: after[key] for key in after if key not in grows
    }
    assert [len(line["versions"]) for line in (before, after)] == [1, 3]


def test_a_rejected_mask_was_trained_on_and_a_removed_image_is_left_out(
    cast: Cast, masks: list[Mask]
) -> None:
    begin_round(cast)
    decide(masks[0], cast, ReviewOutcome.REJECTED)
    Image.objects.filter(id=masks[1].image_id).update(deleted_at=timezone.now())
    assert exported(cast, trained_in=1) == [str(masks[0].id), str(masks[2].id)]


def test_images_keep_their_numbers_and_the_mask_is_the_one_that_was(
    cast: Cast, masks: list[Mask]
) -> None:
    begin_round(cast)
    refine(masks[1], grown=4)
    content = json.loads(written(cast, trained_in=1))
    assert [image["id"] for image in content["images"]] == [1, 3, 4]
    then = content["annotations"][1]
    expected = asymmetric_mask(width=62, height=masks[1].image.picture.height)
    assert np.array_equal(coco_mask.decode(then["segmentation"]).astype(bool), expected)
    assert (then["mask_version"], then["area"]) == (1, expected.sum())
    assert content["info"]["part"] == {"trained_in": 1}


@pytest.mark.parametrize("format", ["sa1b", "labels", "yolo"])
def test_the_manifest_names_the_part(cast: Cast, masks: list[Mask], format: str) -> None:
    part = {"author": cast.alice.id, "first_day": date(2026, 11, 1), "reviewed": False}
    with zipfile.ZipFile(io.BytesIO(written(cast, format, **part))) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["part"] == {**part, "author": str(cast.alice.id), "first_day": "2026-11-01"}
    assert (manifest["num_images"], manifest["num_masks"]) == (2, 2)
    assert ExportPart.from_json(manifest["part"]) == ExportPart(**part)


def test_a_part_is_asked_for_and_told_by_the_api(
    cast: Cast, browser: Browsers, masks: list[Mask]
) -> None:
    part = {"author": str(cast.bob.id), "last_day": "2026-11-20", "origin": "annotated"}
    carol, address = browser("carol"), f"projects/{cast.project.id}/exports"
    reply = carol.post(address, {"format": "sa1b", "part": part})
    assert (reply.status_code, reply.json()["part"]) == (202, part)
    stored = ExportPart.from_json(Export.objects.get().part)
    assert exported(cast, **vars(stored)) == [str(masks[1].id)]
    assert carol.post(address, {}).json()["part"] == {}


@pytest.mark.parametrize(
    ("part", "status", "code"),
    [
        ({"trained_in": 1}, 422, "no_round"),
        ({"since_round": 7}, 422, "no_round"),
        ({"trained_in": 2, "origin": "imported"}, 422, "not_combined"),
        ({"author": "carol"}, 422, "no_author"),
        ({"author": "00000000-0000-4000-8000-000000000000"}, 422, "no_author"),
        ({"first_day": "2026-11-21", "last_day": "2026-11-20"}, 422, "no_days"),
        ({"first_day": "yesterday"}, 422, "invalid"),
        ({"origin": "drawn"}, 422, "invalid_choice"),
        ({"reviewed": "yes"}, 422, "not_boolean"),
        ({"trained_in": 0}, 422, "min_value"),
        ({"colour": "red"}, 400, None),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(
    cast: Cast,
    browser: Browsers,
    masks: list[Mask],
    part: dict[str, object],
    status: int,
    code: str | None,
) -> None:
    begin_round(cast, number=2)
    if part.get("author") == "carol":
        part = {"author": str(cast.carol.id)}
    body = {"format": "coco", "part": part}
    reply = browser("dan").post(f"projects/{cast.project.id}/exports", body)
    assert reply.status_code == status, reply.content
    assert code is None or reply.json()["error"]["code"] == code
    assert not Export.objects.exists()


def test_the_command_takes_the_same_parts(cast: Cast, masks: list[Mask], tmp_path: Path) -> None:
    begin_round(cast)
    cases = {
        ("--author", "ALICE", "--origin", "annotated"): [masks[0]],
        ("--last-day", "2026-11-20"): [masks[1]],
        ("--first-day", "2026-11-21", "--last-day", "2026-11-21"): [masks[2]],
        ("--trained-in", "1"): masks,
        ("--since-round", "1"): [],
        ("--reviewed",): [],
        ("--no-reviewed",): masks,
    }
    for number, (words, expected) in enumerate(cases.items()):
        out = tmp_path / f"{number}.json"
        call_command("export_masks", "Harbour", str(out), *words, stdout=io.StringIO())
        found = json.loads(out.read_text())["annotations"]
        assert [one["mask_id"] for one in found] == [str(mask.id) for mask in expected], words
        assert len(COCO(str(out)).getAnnIds()) == len(expected)
    for words in (["--author", "carol"], ["--trained-in", "9"]):
        with pytest.raises(CommandError):
            call_command("export_masks", "Harbour", str(tmp_path / "none.json"), *words)
    assert not (tmp_path / "none.json").exists()
