"""Two tiny networks on recorded interactions and held-out masks, by the command a round runs."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from common.replay_cases import ReplayCase, write_cases
from model_server.evaluation.replaying import NetworkAnswerer, Replay, prompts_of
from model_server.sam.build import CONFIGS, config_to_json
from model_server.training.compare import (
    Pace,
    Replayed,
    extreme_cases,
    measure_held_out,
    measure_replays,
    summarise,
)
from model_server.training.compare import main as compare
from model_server.training.evaluate import load_predictor, read_images
from model_server.training.evaluate import main as evaluate
from tests.model_server.coco_folder import write_coco_folder
from tests.model_server.random_weights import random_sam

HEIGHT, WIDTH = 60, 90
POINT = {"kind": "point", "x": 6, "y": 5, "label": 1}


def case(number: int, *, painted_px: int = 0, image: str = "", group: str = "quay") -> ReplayCase:
    return ReplayCase(
        mask_id=f"m{number}",
        version=1,
        image_sha256=image or f"i{number}",
        image_key=f"images/{number}.png",
        height=HEIGHT,
        width=WIDTH,
        group=group,
        is_held_out=True,
        counts="",
        acts=[POINT],
        painted_px=painted_px,
    )


def answer(first: float, num_clicks: int, wrong_px: int) -> Replay:
    """A replay that reaches the target with its last click."""
    ious = (first, *[0.5] * (num_clicks - 2), 0.9) if num_clicks > 1 else (first,)
    return Replay(ious=ious, num_recorded=1, first_counts="", wrong_px=wrong_px)


def test_seconds_are_those_of_clicks_or_where_a_person_painted_those_of_painting() -> None:
    replayed = [
        Replayed(case(1), answer(0.6, 4, 500), answer(0.95, 1, 900)),
        Replayed(case(2, painted_px=100), answer(0.6, 2, 80), answer(0.6, 5, 30)),
    ]
    pairs = measure_replays(replayed, Pace(seconds_per_click=2.0, seconds_per_painted_px=0.05))
    assert [(p.current, p.candidate) for p in pairs["seconds"]] == [(8.0, 2.0), (4.0, 1.5)]
    assert [(p.current, p.candidate) for p in pairs["clicks"]] == [(4, 1), (2, 5)]
    assert [(p.current, p.candidate) for p in pairs["first_iou"]] == [(0.6, 0.95), (0.6, 0.6)]
    assert [(p.current, p.candidate) for p in pairs["first_capped"]] == [(0.6, 0.9), (0.6, 0.6)]
    assert [(p.current, p.candidate, p.weight) for p in pairs["unpainted_share"]] == [(20, 70, 100)]
    found = summarise(pairs)
    assert found["seconds"]["difference"] == pytest.approx((2.0 + 1.5 - 8.0 - 4.0) / 2)
    assert found["unpainted_share"]["candidate"] == pytest.approx(0.7)
    assert found["first_iou"]["by_group"]["quay"]["num_masks"] == 2


def test_what_was_never_measured_predicts_no_seconds() -> None:
    replayed = [Replayed(case(1), answer(0.6, 4, 0), answer(0.95, 1, 0))]
    pairs = measure_replays(replayed, Pace(None, 0.1))
    assert "seconds" not in summarise(pairs) and "unpainted_share" not in summarise(pairs)


def test_held_out_masks_are_paired_by_image_and_number() -> None:
    def facts(**ious: list[float]) -> dict[str, Any]:
        images = [
            {
                "image": name,
                "source": "pier",
                "masks": [{"number": 4, "centre": {"chosen": [{"iou": each} for each in some]}}],
            }
            for name, some in ious.items()
        ]
        return {"methods": {"model": {"images": images}}}

    pairs = measure_held_out(facts(a=[0.2, 0.7], b=[0.1]), facts(a=[0.4, 0.96], c=[1.0]), "quay")
    (pair,) = pairs["held_out_capped"]
    assert pair.current == pytest.approx((0.2 + 4 * 0.7) / 5)  # a trace that ended keeps its last
    assert pair.candidate == pytest.approx((0.4 + 4 * 0.9) / 5)  # more than 0.90 is no better
    assert pairs["held_out_iou_1"][0].candidate == 0.4
    assert pair.group == "quay"
    (named,) = measure_held_out(facts(a=[0.2]), facts(a=[0.4]), "")["held_out_iou_1"]
    assert named.group == "pier", "by its source when no group is told"


def test_best_and_worst_cases_are_of_different_images() -> None:
    gains = {1: (0.9, "a"), 2: (0.8, "a"), 3: (0.6, "b"), 4: (0.5, "c"), 5: (0.3, "d")}
    replayed = [
        Replayed(case(number, image=image), answer(0.5, 1, 0), answer(after, 1, 0))
        for number, (after, image) in gains.items()
    ]
    found = [(kind, one.case.mask_id) for kind, one in extreme_cases(replayed)]
    assert found == [("best", "m1"), ("best", "m3"), ("worst", "m5")]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The weights of two tiny networks that nobody trained."""
    folder = tmp_path_factory.mktemp("networks")
    paths = [folder / f"{name}.safetensors" for name in ("current", "candidate")]
    for seed, path in enumerate(paths):
        save_file(random_sam(CONFIGS["tiny"], seed=seed).state_dict(), path)
        path.with_suffix(".json").write_text(json.dumps(config_to_json(CONFIGS["tiny"])))
    return paths


def test_the_command_compares_two_networks_and_draws_cases(
    networks: list[Path], tmp_path: Path
) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=3, num_dev=2)
    cases = [
        ReplayCase(
            mask_id=f"{image.name}-{number}",
            version=1,
            image_sha256=image.name,
            image_key=f"images/ab/{image.name}",
            height=HEIGHT,
            width=WIDTH,
            group=image.source,
            is_held_out=True,
            counts=counts,
            acts=[{"kind": "point", "x": 40, "y": 30, "label": 1}],
            painted_px=0,
        )
        for image in read_images(folder, "dev")
        for number, counts in zip(image.numbers, image.counts, strict=True)
    ]
    (tmp_path / "cases.jsonl").write_bytes(write_cases(cases))
    for path in networks:
        evaluate(
            [
                *("--weights", str(path), "--data", str(folder), "--protocols", "centre"),
                *("--json", str(tmp_path / f"{path.stem}.json")),
            ]
        )
    out = tmp_path / "out"
    current, candidate = networks
    options = [
        *("--current", str(current), "--candidate", str(candidate), "--out", str(out)),
        *("--current-scores", str(tmp_path / "current.json"), "--group", "quay"),
        *("--candidate-scores", str(tmp_path / "candidate.json")),
        *("--cases", str(tmp_path / "cases.jsonl"), "--pictures", str(folder / "images")),
        *("--seconds-per-click", "1.5"),
    ]
    compare(options)
    content = (out / "comparison.json").read_bytes()
    found = json.loads(content)
    measures = found["measures"]
    assert found["replayed_on"] == "held_out"
    assert measures["held_out_capped"]["num_masks"] == measures["first_iou"]["num_masks"] == 4
    assert set(measures["first_iou"]["by_group"]) == {"odd", "even"}
    assert measures["seconds"]["current"] == pytest.approx(1.5 * measures["clicks"]["current"])
    assert found["cases"], "two random networks never agree everywhere"
    for told in found["cases"]:
        drawn = [(out / f"{told[f'{who}_picture']}.jpg") for who in ("current", "candidate")]
        assert {Image.open(io.BytesIO(path.read_bytes())).format for path in drawn} == {"JPEG"}
    compare(options)
    assert (out / "comparison.json").read_bytes() == content, "the same again, to the bit"


def test_a_replay_on_the_recorded_network_gives_what_the_page_showed(networks: list[Path]) -> None:
    """The page decodes point by point, chooses the second candidate at first, and feeds its logits back."""
    predictor = load_predictor(networks[0], 0)
    pixels = np.random.default_rng(2).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    embedding = predictor.embed(pixels)
    points, labels = np.array([[40.0, 30.0], [70.0, 11.0]]), np.array([1.0, 0.0])
    first = predictor.predict(embedding, points=points[:1], labels=labels[:1])
    chosen = next(one for one in first if one.token != first[0].token)
    (second,) = predictor.predict(
        embedding, points=points, labels=labels, previous_logits=chosen.low_res_logits
    )
    acts = [
        {"kind": "point", "x": 40, "y": 30, "label": 1},
        {"kind": "candidate", "token": chosen.token},
        {"kind": "point", "x": 70, "y": 11, "label": 0},
    ]
    answer = NetworkAnswerer(predictor, embedding)
    found = [answer(prompt) for prompt in prompts_of(acts)]
    assert np.array_equal(found[0], chosen.mask) and np.array_equal(found[1], second.mask)
    assert not np.array_equal(found[0], first[0].mask)

    box = np.array([10.0, 5.0, 80.0, 50.0])
    boxed = predictor.predict(embedding, points=points[:0], labels=labels[:0], box=box)
    (prompt,) = prompts_of([{"kind": "box", "box": [10, 5, 80, 50]}])
    assert np.array_equal(NetworkAnswerer(predictor, embedding)(prompt), boxed[0].mask)


def test_a_network_compared_with_itself_shows_no_difference(
    networks: list[Path], tmp_path: Path
) -> None:
    folder = write_coco_folder(tmp_path / "set", num_images=1, num_dev=1)
    (image,) = read_images(folder, None)
    one = ReplayCase(
        mask_id="m",
        version=1,
        image_sha256=image.name,
        image_key=image.name,
        height=HEIGHT,
        width=WIDTH,
        group="quay",
        is_held_out=False,
        counts=image.counts[0],
        acts=[{"kind": "box", "box": [10, 5, 80, 50]}, POINT],
        painted_px=50,
    )
    (tmp_path / "cases.jsonl").write_bytes(write_cases([one]))
    compare(
        [
            *("--current", str(networks[0]), "--candidate", str(networks[0])),
            *("--out", str(tmp_path / "out"), "--seconds-per-painted-px", "0.01"),
            *("--cases", str(tmp_path / "cases.jsonl"), "--pictures", str(folder / "images")),
        ]
    )
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["replayed_on"] == "trained" and found["cases"] == []
    assert {one["difference"] for one in found["measures"].values()} == {0.0}
    assert set(found["measures"]) == {
        *("first_iou", "first_capped", "clicks", "unpainted_share", "seconds")
    }
