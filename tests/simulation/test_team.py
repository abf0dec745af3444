"""A simulated team at the live product: what the database holds is what its clients sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common import rle
from common.coco_folder import CocoPicture, read_coco_folder
from common.metrics import iou
from simulation.behaviour import Behaviour
from simulation.client import API, Client, Tally
from simulation.http_session import HttpSession
from simulation.masking import Outcome
from simulation.project import NotPrepared, Preparation
from simulation.references import ImageReferences
from simulation.results import TeamReport
from simulation.team import Team
from tests.http_session import PASSWORD
from tests.live_product import LiveProduct
from tests.patience import LONG_S

SEED = 11
HEIGHT, WIDTH = 180, 260
PEOPLE = ("simulated-1", "simulated-2")
MASKS = """
    SELECT m.id::text, m.image_id::text, m.version, m.state, m.given_up, m.counts_sha256, m.counts, m.prompts
    FROM annotator_mask m JOIN annotator_image i ON i.id = m.image_id
    WHERE i.project_id = %s AND m.state <> 'deleted'
"""
TIMINGS = """
    SELECT t.mask_id::text, t.version, t.active_ms, t.num_points, t.num_strokes,
        t.painted_px, t.erased_px, t.flagged
    FROM annotator_masktiming t JOIN annotator_mask m ON m.id = t.mask_id
    JOIN annotator_image i ON i.id = m.image_id WHERE i.project_id = %s
"""
ASSIGNMENTS = """
    SELECT a.state, a.model_version_id = (
        SELECT model_version_id FROM annotator_promotion ORDER BY id DESC LIMIT 1
    )
    FROM annotator_assignment a JOIN annotator_image i ON i.id = a.image_id WHERE i.project_id = %s
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn pictures; of the ellipse in the second only its left half is wanted, which no click finds."""
    made = tmp_path_factory.mktemp("team")
    rng = np.random.default_rng(SEED)
    rows, columns = np.indices((HEIGHT, WIDTH))
    images, annotations = [], []
    for number in (1, 2):
        pixels = rng.integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        ellipse = ((rows - 70 - 9 * number) / 34) ** 2 + ((columns - 90) / 55) ** 2 < 1
        bar = (rows > 140) & (rows < 166) & (columns > 120 + 20 * number) & (columns < 240)
        pixels[ellipse], pixels[bar] = (230, 60, 40), (60, 90, 240)
        wanted = ellipse if number == 1 else ellipse & (columns < 90)
        for mask in (bar, wanted):
            segmentation = {"size": [HEIGHT, WIDTH], "counts": rle.encode(mask)}
            annotations.append({"image_id": number, "segmentation": segmentation})
        Image.fromarray(pixels).save(made / f"drawn {number}.png")
        images.append(
            {"id": number, "file_name": f"drawn {number}.png", "width": WIDTH, "height": HEIGHT}
        )
    (made / "annotations.json").write_text(
        json.dumps({"images": images, "annotations": annotations})
    )
    return made


def prepared(
    product: LiveProduct, name: str, pictures: list[CocoPicture], **settings: int
) -> tuple[Team, list[HttpSession]]:
    """A project of that name with the pictures, and two people in it."""
    admin = Preparation(Client(product.session("admin"), Tally()), say=lambda words: None)
    project = admin.project(name)
    admin.client.send("PATCH", f"{API}/projects/{project}", settings)
    references = admin.images(project, pictures)
    sessions = [admin.annotator(project, person) for person in PEOPLE]
    admin.wait_for_embeddings(project)
    # Nobody leases ahead, so that there is an image for each of the two.
    behaviour = replace(Behaviour(), images_ahead=0)
    return Team(project, references, SEED, behaviour, say=lambda words: None), sessions


def shift(
    product: LiveProduct, name: str, pictures: list[CocoPicture]
) -> tuple[str, Mapping[str, ImageReferences], TeamReport]:
    """Two people work through the pictures in a project of that name."""
    team, sessions = prepared(product, name, pictures)
    return team.project, team.references, team.work(sessions)


def by_object(
    references: Mapping[str, ImageReferences], outcomes: Iterable[Outcome]
) -> dict[str, object]:
    """Prompts and times by reference mask: image ids differ between projects."""
    return {
        references[one.image].counts[one.number]: (one.prompts, one.active_ms, one.sha256)
        for one in outcomes
    }


def test_what_a_team_makes_is_what_the_database_holds(product: LiveProduct, folder: Path) -> None:
    pictures = read_coco_folder(folder, None)
    project, references, report = shift(product, "Two pictures", pictures)

    assert (report.stopped, report.tally.failures) == ([], [])
    assert (report.tally.failed, report.tally.mismatched_pairs) == (0, 0)
    assert report.images_submitted == 2
    assert sorted((one.image, one.number) for one in report.outcomes) == sorted(
        (image, number) for image in references for number in (0, 1)
    )
    stored = {row[0]: row[1:] for row in product.ask(MASKS, project)}
    sent = {one.mask: one for one in report.outcomes}
    assert stored.keys() == sent.keys()
    for mask, (image, version, state, given_up, sha256, counts, prompts) in stored.items():
        one = sent[mask]
        assert (image, version, sha256) == (one.image, one.version, one.sha256)
        assert (state, given_up) == (("draft", True) if one.given_up else ("accepted", False))
        assert as_list(prompts) == list(one.prompts)
        runs = rle.parse_counts(counts, height=HEIGHT, width=WIDTH, max_runs=HEIGHT * WIDTH)
        pixels = rle.decode(runs, height=HEIGHT, width=WIDTH)
        assert iou(pixels, references[image].mask(one.number)) == one.iou
    timings = {row[0]: row[1:] for row in product.ask(TIMINGS, project)}
    assert timings == {
        one.mask: (
            *(one.version, one.active_ms, one.num_clicks, one.num_strokes),
            *(one.painted_px, one.erased_px, ""),
        )
        for one in report.accepted
    }
    assert product.ask(ASSIGNMENTS, project) == [("submitted", True)] * 2
    assert len(report.accepted) >= 2, "a click on a plain shape on black gives it"

    _, again_references, again = shift(product, "Two pictures once more", pictures)
    assert again.is_clean
    assert by_object(again_references, again.outcomes) == by_object(references, report.outcomes)


def test_who_masks_a_picture_again_does_it_in_another_way(
    product: LiveProduct, folder: Path
) -> None:
    """The second person gets copies: images that the project does not list."""
    pictures = read_coco_folder(folder, None)
    team, sessions = prepared(
        product, "Twice each", pictures, agreement_percent=100, agreement_people=2
    )
    first, second = [team.work([session]) for session in sessions]
    for report in (first, second):
        assert report.is_clean, (report.stopped, report.tally.failures)
        assert report.images_submitted == 2
    assert {one.image for one in first.outcomes} == team.references.keys()
    assert {one.image for one in second.outcomes}.isdisjoint(team.references)
    prompts = [one.prompts for one in first.outcomes]
    assert len(second.outcomes) == len(prompts) == 4
    assert [one for one in second.outcomes if one.prompts in prompts] == []


def test_the_command_prints_the_numbers(product: LiveProduct, folder: Path) -> None:
    product.session("admin")  # has set the password
    arguments = ["--url", product.url, "--images", str(folder), "--people", "1", "--seed", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "simulation", *arguments],
        env={**os.environ, "MASKWRIGHT_ADMIN_PASSWORD": PASSWORD, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (told["people"], told["images"]) == (1, 2)
    assert told["masks"] + told["given_up"] == 4
    assert (told["failed_requests"], told["mismatched_pairs_refused"]) == (0, 0)
    assert told["iou_at_acceptance"]["mean"] >= 0.85
    assert 1 <= told["seconds_per_mask"]["median"] <= told["seconds_per_mask"]["p90"]
    assert told["clicks_per_mask"] >= 1


def test_a_project_with_other_images_is_left_alone(product: LiveProduct, folder: Path) -> None:
    admin = Preparation(Client(product.session("admin"), Tally()), say=lambda words: None)
    with pytest.raises(NotPrepared, match="a project of its own"):
        admin.images(admin.project("Demo"), read_coco_folder(folder, None)[:0])


def as_list(value: object) -> list[object]:
    """JSON of the database, which comes as text or read."""
    found = json.loads(value) if isinstance(value, str) else value
    assert isinstance(found, list)
    return found
