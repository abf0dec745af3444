"""The proof that rounds help: which pictures are kept back, and the arithmetic of its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.rounds.arm import ArmSettings, run_arm
from benchmarks.rounds.chart import chart, ticks
from benchmarks.rounds.pictures import share_out, with_largest
from benchmarks.rounds.table import by_round, differences, read_arms, tables
from common.coco_folder import read_coco_folder
from tests.model_server.coco_folder import write_coco_folder


def line(arm: str, seed: int, number: int, **given: Any) -> str:
    """A line of an arm: two of ten objects given up, unless `given` says otherwise."""
    facts = {"miou_1": 0.5, "refusal": "", "clicks": 2.0, "masks": 8, "steps": 3, **given}
    trained = {"refusal": facts["refusal"]} if number else None
    shift = {
        "round": trained,
        "masks": facts["masks"],
        "given_up": 10 - facts["masks"],
        "masks_per_image": facts["masks"] / 2,
        "all_objects": {"clicks": facts["clicks"], "seconds": 12.0},
    }
    settings = {"arm": arm, "seed": seed, "images": "nuclei", "steps": facts["steps"]}
    scores = {"miou_1": facts["miou_1"], "miou_3": 0.7, "noc": 4.0, "num_masks": 3}
    told = {"settings": settings, "round": number, "in_use": scores, "shift": shift}
    return json.dumps(told) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds of both arms with one round; the control of seed 2 has begun a second one."""
    arms = {
        ("new", 1): [0.50, 0.60],
        ("new", 2): [0.52, 0.66],
        ("control", 1): [0.50, 0.58],
        ("control", 2): [0.52, 0.60, 0.61],
    }
    for (arm, seed), mious in arms.items():
        refusal = "It is worse." if (arm, seed) == ("control", 1) else ""
        lines = [
            line(arm, seed, number, miou_1=miou, refusal=refusal)
            for number, miou in enumerate(mious)
        ]
        (tmp_path / f"{arm}-{seed}.jsonl").write_text("".join(lines))
    return tmp_path


def test_means_and_intervals_are_those_of_students_t(folder: Path) -> None:
    common, arms = read_arms(folder)
    assert common == {"images": "nuclei", "steps": 3}
    found = by_round(arms, "new", "miou_1")
    assert list(found) == [0, 1]
    assert found[1].mean == pytest.approx(0.63)
    # The deviation of 0.60 and 0.66 is 0.03 * sqrt(2); over sqrt(2) seeds; t with one degree of freedom.
    assert found[1].half == pytest.approx(12.706 * 0.03)
    assert list(by_round(arms, "control", "miou_1")) == [0, 1], "not all seeds came to round 2"


def test_differences_are_paired_by_seed(folder: Path) -> None:
    _, arms = read_arms(folder)
    found = differences(arms, "miou_1")
    assert (found[0].mean, found[0].half) == (0, 0)
    assert found[1].mean == pytest.approx((0.02 + 0.06) / 2)
    assert found[1].half == pytest.approx(12.706 * 0.02)


def test_what_was_given_up_is_part_of_the_price_of_a_mask(folder: Path) -> None:
    _, arms = read_arms(folder)
    found = arms["new", 1][0]
    assert found["clicks"] == pytest.approx(10 * 2.0 / 8)
    assert found["seconds"] == pytest.approx(10 * 12.0 / 8)
    assert found["masks"] == 4


def test_the_tables_tell_rounds_arms_and_what_was_promoted(folder: Path) -> None:
    _, arms = read_arms(folder)
    text = tables(arms)
    assert "| 0 | new | 0.510 ± 0.127 | 0.700 ± 0.000 | 4.00 ± 0.00 | 2.50 ± 0.00" in text
    assert text.count("| 1 of 2 |") == text.count("| 2 of 2 |") == 1
    assert "| 1 | +0.040 ± 0.254 | +0.000 ± 0.000 |" in text
    (folder / "control-2.jsonl").unlink()
    (folder / "control-1.jsonl").unlink()
    (folder / "new-2.jsonl").unlink()
    _, arms = read_arms(folder)
    assert "| 1 | new | 0.600 | 0.700 |" in tables(arms), "one seed has no interval"
    assert "paired" not in tables(arms)


def test_arms_of_other_settings_do_not_belong_together(folder: Path) -> None:
    (folder / "new-3.jsonl").write_text(line("new", 3, 0, steps=4))
    with pytest.raises(ValueError, match=r"new-3\.jsonl was run with other settings"):
        read_arms(folder)


def test_the_chart_has_a_line_for_each_arm_in_each_panel(folder: Path) -> None:
    _, arms = read_arms(folder)
    drawn = ElementTree.fromstring(chart(arms))
    panels = drawn.findall(".//*[@class='chart']")
    assert len(panels) == 4
    assert all(len(panel.findall(".//*[@class='band']")) == 2 for panel in panels)
    assert ticks([0.51, 0.63]) == (
        pytest.approx([0.50, 0.52, 0.54, 0.56, 0.58, 0.60, 0.62, 0.64]),
        2,
    )
    assert ticks([3.0, 3.0])[0][0] <= 3.0 <= ticks([3.0, 3.0])[0][-1]


def test_pictures_that_are_kept_back_are_the_same_for_every_seed(tmp_path: Path) -> None:
    pictures = read_coco_folder(write_coco_folder(tmp_path / "set"), None)
    kept, team = share_out(pictures, held_out=2, limit=3, seed=1)
    again, other = share_out(pictures[::-1], held_out=2, limit=3, seed=2)
    assert [one.path for one in kept] == [one.path for one in again]
    assert len(team) == len(other) == 3
    assert [one.path for one in team] != [one.path for one in other]
    assert not {one.path for one in kept} & {one.path for one in [*team, *other]}
    with pytest.raises(ValueError, match="too few"):
        share_out(pictures, held_out=4, limit=3, seed=1)


def test_the_largest_objects_of_a_picture_are_taken(tmp_path: Path) -> None:
    [picture, *_] = read_coco_folder(write_coco_folder(tmp_path / "set"), None)
    assert len(picture.counts) > 1
    fewer = with_largest(picture, 1)
    everything = with_largest(picture, 99)
    assert fewer.counts == everything.counts[:1]
    assert sorted(everything.counts) == sorted(picture.counts)


def test_an_arm_that_is_complete_is_left_alone_and_its_lines_name_no_folder(tmp_path: Path) -> None:
    weights = tmp_path / "start.safetensors"
    weights.write_bytes(b"numbers")
    settings = ArmSettings(weights=weights, images=tmp_path / "nuclei", arm="new", seed=1, rounds=1)
    told = settings.facts()
    assert (told["images"], told["steps"]) == ("nuclei", settings.steps)
    assert str(tmp_path) not in json.dumps(told)
    out = tmp_path / "new-1.jsonl"
    out.write_text(line("new", 1, 0) + line("new", 1, 1))
    before = out.read_text()
    assert run_arm(settings, out), "no picture is there: a run could only fail"
    assert out.read_text() == before
    with pytest.raises(FileNotFoundError):
        run_arm(settings, tmp_path / "new-2.jsonl")
