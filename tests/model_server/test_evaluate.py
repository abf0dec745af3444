"""The command end to end: a tiny network and the classical methods on drawn pictures."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from common import rle
from common.metrics import Click
from model_server.evaluation.baselines import BASELINES, evaluate_baseline, one_by_one
from model_server.evaluation.clicking import click_through
from model_server.evaluation.gallery import choose_cases, draw_panel
from model_server.evaluation.images import (
    EvaluationImage,
    random_click,
    sample_images,
    sample_masks,
)
from model_server.evaluation.network import NetworkSegmenter, box_prompt, evaluate_network
from model_server.evaluation.results import ImageResult
from model_server.evaluation.scores import summarise
from model_server.sam.build import CONFIGS, config_to_json
from model_server.sam.predictor import Predictor
from model_server.training.evaluate import main, read_images
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.random_weights import random_sam


@pytest.fixture
def images(tmp_path: Path) -> list[EvaluationImage]:
    """Six pictures with two masks each."""
    return read_images(write_coco_folder(tmp_path / "set"), None)


@pytest.fixture
def predictor() -> Iterator[Predictor]:
    """A tiny network on one thread: on a busy machine several wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Predictor(random_sam(CONFIGS["tiny"]))
    torch.set_num_threads(before)


def without_times(results: list[ImageResult]) -> list[Any]:
    return [(m.centre.clicks, m.centre.chosen, m.box) for r in results for m in r.masks]


def test_a_network_runs_every_protocol(images: list[EvaluationImage], predictor: Predictor) -> None:
    results = list(evaluate_network(predictor, images[:2]))
    scores = summarise(results)
    assert (scores.num_images, scores.num_masks) == (2, 4)
    assert scores.ranking is not None and scores.box is not None
    assert scores.ranking.oracle.by_mask >= scores.ranking.chosen.by_mask == scores.miou_at[1]
    assert scores.ranking.oracle.by_mask > scores.ranking.random.by_mask
    assert scores.random_miou_at is not None
    assert set(scores.calibration) == {"first_click", "later_clicks", "box"}
    assert scores.speed.per_image is not None and scores.speed.per_click > 0
    for result in results:
        for mask in result.masks:
            assert len(mask.centre.first_guesses) == len(mask.box) == 3
            assert mask.random is not None and len(mask.random.clicks) == 9


def test_the_same_run_gives_the_same_numbers(
    images: list[EvaluationImage], predictor: Predictor
) -> None:
    once, again = (list(evaluate_network(predictor, images[:1])) for _ in range(2))
    assert without_times(once) == without_times(again)


def test_protocols_can_be_left_out(images: list[EvaluationImage], predictor: Predictor) -> None:
    (result,) = evaluate_network(predictor, images[:1], protocols=["centre"])
    assert all(mask.random is None and mask.box == () for mask in result.masks)


def test_objects_decoded_together_get_what_they_would_get_alone(
    images: list[EvaluationImage], predictor: Predictor
) -> None:
    image = images[0]
    embedding = predictor.embed(image.picture())
    references = image.masks() * 3  # more than are decoded at a time
    together = click_through(NetworkSegmenter(predictor, embedding), references, limit=3)
    for reference, trace in zip(references, together, strict=True):
        (alone,) = click_through(NetworkSegmenter(predictor, embedding), [reference], limit=3)
        assert alone.clicks == trace.clicks
        assert alone.ious == pytest.approx(trace.ious, abs=1e-3)


def test_a_box_prompt_is_the_outer_edge_of_a_mask(predictor: Predictor) -> None:
    frame = predictor.frame_of(width=90, height=60)
    mask = np.zeros((60, 90), bool)
    mask[10:30, 6:45] = True
    coords, marks = box_prompt(mask, frame)
    scale = np.array([frame.new_width / 90, frame.new_height / 60])
    expected = np.array([[6, 10], [45, 30]]) * scale - 0.5  # the prompt encoder adds a half
    np.testing.assert_allclose(coords, expected, atol=1e-4)
    assert marks.tolist() == [2, 3]


@pytest.mark.parametrize("name", BASELINES)
def test_two_flat_colours_are_easy_for_classical_methods(
    images: list[EvaluationImage], name: str
) -> None:
    (result,) = evaluate_baseline(name, images[:1])
    scores = summarise([result])
    assert scores.num_masks == 2
    assert scores.miou_at[9] > 0.8
    assert scores.ranking is None and scores.speed.per_image is None


@pytest.mark.parametrize("name", BASELINES)
def test_a_classical_method_keeps_what_was_clicked(name: str) -> None:
    picture = np.full((40, 70, 3), 90, np.uint8)
    picture[8:30, 12:48] = (220, 60, 40)
    clicks = [Click(30, 20, 1), Click(60, 34, 0)]
    (guesses,) = one_by_one(BASELINES[name](picture))([0], [clicks])
    mask = guesses[0].mask
    assert mask.shape == (40, 70)
    assert mask[20, 30] and not mask[34, 60]
    assert mask[10, 14] and not mask[35, 6]


def test_samples_are_fixed_and_keep_their_numbers(images: list[EvaluationImage]) -> None:
    assert sample_images(images, 0) == images
    few = sample_images(images, 3)
    assert few == sample_images(images, 3) and len(few) == 3
    one = sample_masks(images[0], 1)
    assert one == sample_masks(images[0], 1)
    assert one.counts == (images[0].counts[one.numbers[0]],)
    assert sample_masks(images[0], 5) == images[0]


def test_a_random_first_click_lies_inside_and_depends_on_mask_and_seed(
    images: list[EvaluationImage],
) -> None:
    image = images[0]
    reference = image.masks()[0]
    clicks = {random_click(image, number, reference, seed) for number in (0, 1) for seed in (1, 2)}
    assert len(clicks) == 4
    assert all(reference[click.y, click.x] and click.label == 1 for click in clicks)
    assert random_click(image, 0, reference, 1) == random_click(image, 0, reference, 1)


def test_empty_masks_are_left_out(tmp_path: Path) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=1)
    coco = json.loads((folder / "annotations.json").read_text())
    empty = rle.encode(np.zeros((60, 90), bool))
    coco["annotations"][0]["segmentation"]["counts"] = empty
    (folder / "annotations.json").write_text(json.dumps(coco))
    (image,) = read_images(folder, None)
    assert image.numbers == (1,)


def test_cases_are_ordered_and_no_image_comes_twice(
    images: list[EvaluationImage], predictor: Predictor
) -> None:
    results = list(evaluate_network(predictor, images, protocols=["centre"]))
    groups = choose_cases(results, 2)
    assert list(groups) == ["best", "median", "worst"]
    best, worst = groups["best"], groups["worst"]
    assert best[0].score >= best[1].score >= worst[0].score >= worst[1].score
    for cases in groups.values():
        assert len({case.result.image.name for case in cases}) == 2
    shown = [(c.result.image.name, c.mask.number) for cases in groups.values() for c in cases]
    assert len(set(shown)) == 6


def test_a_panel_shows_mask_reference_and_clicks() -> None:
    picture = np.zeros((60, 90, 3), np.uint8)
    mask, reference = np.zeros((60, 90), bool), np.zeros((60, 90), bool)
    mask[20:40, 10:50], reference[20:40, 20:60] = True, True
    clicks = [Click(40, 30, 1), Click(75, 50, 0)]
    panel = np.asarray(draw_panel(picture, mask, reference, clicks, (0, 0, 90, 60)))
    scale = 300 / 90
    assert panel.shape == (200, 300, 3)

    def colour(x: float, y: float) -> list[int]:
        return panel[int(y * scale), int(x * scale)].tolist()

    assert colour(15, 30) == [110, 76, 13]  # film over black
    assert colour(55, 30) == [0, 0, 0]  # reference only: not filled
    assert colour(41.5, 29) == [255, 255, 255]  # the ground of a foreground click
    assert (panel[round(25 * scale), round(59.8 * scale)] > 0).any()  # outline of the reference


class Page(HTMLParser):
    """What a page loads, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_command_prints_scores_and_writes_json_and_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=3)
    weights = tmp_path / "w<1>.safetensors"
    save_file(random_sam(CONFIGS["tiny"]).state_dict(), str(weights))
    weights.with_suffix(".json").write_text(json.dumps(config_to_json(CONFIGS["tiny"])))
    facts, report = tmp_path / "facts.json", tmp_path / "report.html"
    options = ["--split", "", "--images", "2", "--max-masks-per-image", "1"]
    files = ["--json", str(facts), "--html", str(report), "--baselines", "geodesic"]
    main(["--weights", str(weights), "--data", str(folder), *options, *files])

    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"model", "geodesic"}
    assert set(printed["model"]["miou_at"]) == {"1", "2", "3", "5", "9"}
    assert printed["model"]["num_masks"] == printed["geodesic"]["num_masks"] == 2

    written = json.loads(facts.read_text())
    assert written["settings"]["weights"] == weights.name
    assert written["methods"]["model"]["scores"] == printed["model"]
    mask = written["methods"]["geodesic"]["images"][0]["masks"][0]
    assert len(mask["centre"]["clicks"]) == len(mask["centre"]["chosen"]) > 0

    text = report.read_text()
    page = Page(text)
    assert page.loads and all(url.startswith("data:image/jpeg;base64,") for url in page.loads)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 6 and page.tags.count("figure") == 2
    assert "w&lt;1&gt;.safetensors" in text and "geodesic" in text
