"""A model is promoted in the middle of a simulated shift: nobody notices, and everybody is on it soon."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from common import rle
from common.coco_folder import CocoPicture, read_coco_folder
from common.manifest import MANIFEST_NAME, Manifest, describe_file, fingerprint_files
from simulation.client import Client, Tally
from simulation.project import Preparation
from simulation.results import TeamReport
from simulation.team import Team
from tests.live_product import LiveProduct, running_product
from tests.patience import LONG_S

PEOPLE = int(os.environ.get("MASKWRIGHT_SOAK_PEOPLE", "50"))
IMAGES_EACH = 8  # each person has three leased at a time
HEIGHT, WIDTH = 120, 170
SUBMITTED = "SELECT count(*) FROM annotator_assignment WHERE state = 'submitted'"
OPENINGS = """
    SELECT a.annotator_id::text, a.model_version_id::text,
        extract(epoch FROM a.opened_at - p.created_at)
    FROM annotator_assignment a, (SELECT * FROM annotator_promotion ORDER BY id DESC LIMIT 1) p
    ORDER BY a.opened_at
"""
MIXED = """
    SELECT count(*) FROM annotator_mask m JOIN annotator_assignment a ON a.id = m.assignment_id
    WHERE m.model_version_id <> a.model_version_id
"""

pytestmark = [pytest.mark.soak, pytest.mark.faults]


@pytest.fixture
def live(bundle: Path) -> Iterator[LiveProduct]:
    """A product of its own, whose embeddings are made without regard for other programs."""
    environment = {"MASKWRIGHT_NICENESS": "0"}
    with running_product(bundle, with_embeddings=False, environment=environment) as running:
        yield running


def test_nobody_notices_a_promotion_in_the_middle_of_a_shift(
    live: LiveProduct, bundle: Path, tmp_path: Path
) -> None:
    printed = live.manage("register_bundle", str(other_decoder(bundle, tmp_path / "other")))
    other = printed.split()[0]
    client = Client(live.session("admin"), Tally())
    admin = Preparation(client)
    project = admin.project("Shift")
    references = admin.images(project, drawn_pictures(tmp_path / "drawn", IMAGES_EACH * PEOPLE))
    sessions = [admin.annotator(project, f"simulated-{n}") for n in range(1, PEOPLE + 1)]
    admin.wait_for_embeddings(project)

    reports: list[TeamReport] = []
    team = Team(project, references, seed=1)
    shift = threading.Thread(target=lambda: reports.append(team.work(sessions)))
    shift.start()
    half = len(references) // 2
    live.wait_for(lambda: live.ask(SUBMITTED)[0][0] >= half, 10 * LONG_S, "half of the images")
    before = client.get("/models")["current"]
    client.post(f"/models/{other}/promote", {"expected_current": before, "reason": "soak"})
    live.wait_for(lambda: not shift.is_alive(), 10 * LONG_S, "the end of the shift")

    [report] = reports
    assert (report.tally.failures, report.stopped) == ([], [])
    assert (report.tally.failed, report.tally.mismatched_pairs) == (0, 0)
    assert report.images_submitted == len(references)
    assert live.ask(MIXED) == [(0,)], "a mask belongs to the model that its image was opened with"
    arrived = {}
    for person, opened in by_person(live.ask(OPENINGS)).items():
        models = [model for model, _ in opened]
        assert models == sorted(models, key=lambda model: model == other), "nobody goes back"
        if opened[-1][1] > 0:
            assert models[-1] == other, f"{person} stays behind"
            arrived[person] = next(float(at_s) for model, at_s in opened if model == other)
    assert arrived, "somebody works on after the promotion"
    times = sorted(arrived.values())
    print(
        f"\n{len(references)} images, {report.tally.requests} requests, none failed; of {PEOPLE} people "
        f"{len(times)} opened images on the new model, after {np.median(times):.1f} s (median), "
        f"{times[-1]:.1f} s (last)"
    )


def other_decoder(bundle: Path, folder: Path) -> Path:
    """The same network as another model version: a remark in one graph changes the fingerprint."""
    shutil.copytree(bundle, folder)
    path = folder / "decode.onnx"
    graph = onnx.load(path)
    graph.doc_string = "another version"
    onnx.save(graph, path)
    manifest = Manifest.from_json((folder / MANIFEST_NAME).read_bytes())
    files = {**manifest.files, path.name: describe_file(path.read_bytes())}
    changed = replace(manifest, files=files, bundle_fingerprint=fingerprint_files(files))
    (folder / MANIFEST_NAME).write_text(changed.to_json())
    return folder


def drawn_pictures(folder: Path, count: int) -> list[CocoPicture]:
    """Pictures with one coloured ellipse each, no two alike."""
    folder.mkdir()
    rng = np.random.default_rng(2)
    rows, columns = np.indices((HEIGHT, WIDTH))
    images, annotations = [], []
    for number in range(count):
        x, y = rng.uniform(50, 120), rng.uniform(40, 80)
        mask = ((rows - y) / 24) ** 2 + ((columns - x) / 36) ** 2 < 1
        pixels = rng.integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        pixels[mask] = (230, 60 + number % 150, 40)
        name = f"{number}.png"
        Image.fromarray(pixels).save(folder / name)
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        segmentation = {"size": [HEIGHT, WIDTH], "counts": rle.encode(mask)}
        annotations.append({"image_id": number, "segmentation": segmentation})
    text = json.dumps({"images": images, "annotations": annotations})
    (folder / "annotations.json").write_text(text)
    return read_coco_folder(folder, None)


def by_person(rows: list[tuple[str, str, float]]) -> dict[str, list[tuple[str, float]]]:
    """(model version, seconds after the promotion) of what each person opened, in order."""
    found: dict[str, list[tuple[str, float]]] = {}
    for person, model, at_s in rows:
        found.setdefault(person, []).append((model, at_s))
    return found
