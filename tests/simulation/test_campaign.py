"""Rounds between shifts, towards a server on paper that answers an admin as the API does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from common.coco_folder import CocoPicture, read_coco_folder
from simulation.campaign import Campaign, portions
from simulation.client import Client, Refused, Tally
from simulation.http_session import HttpSession, Reply
from simulation.project import Preparation
from tests.model_server.coco_folder import write_coco_folder

PROJECT = {"id": "the-project", "name": "Paper", "archived_at": None}


@dataclass
class PaperProduct(HttpSession):
    """A project without people: images come by upload, rounds end at the second look."""

    url: str = "http://nowhere.invalid"
    better: list[bool] = field(
        default_factory=list
    )  # whether each round's candidate may be promoted
    state: str = "done"  # in which rounds end
    current: str = "model 0"
    uploads: list[list[str]] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, path: str, files: Mapping[str, bytes]) -> Reply:
        self.uploads.append(list(files))
        return Reply(201, {}, b'{"refused": []}')

    def request(self, method: str, path: str, body: Any = None, **_unused: object) -> Reply:
        found = self.answer(method, path.removeprefix("/api/v1"), body)
        return Reply(found[0], {}, json.dumps(found[1]).encode())

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object]:
        if path.startswith("/projects?"):
            return 200, {"projects": [PROJECT] if "offset=0" in path else []}
        if path.startswith("/projects/the-project/images"):
            names = [name for upload in self.uploads for name in upload]
            return 200, {"images": [image(name) for name in names] if "offset=0" in path else []}
        if method == "POST" and path == "/projects/the-project/rounds":
            self.rounds.append({"settings": body, "looks": 0})
            return 202, {"id": str(len(self.rounds))}
        if path.startswith("/rounds/"):
            return 200, self.look(int(path.rpartition("/")[2]))
        if path == "/models":
            return 200, {"current": self.current}
        assert path == f"/models/model {len(self.rounds)}/promote"
        assert body["expected_current"] == self.current
        if not self.better[len(self.rounds) - 1]:
            return 409, {"error": {"code": "worse", "message": "It is worse.", "field": None}}
        self.current = f"model {len(self.rounds)}"
        return 200, {}

    def look(self, number: int) -> dict[str, object]:
        self.rounds[number - 1]["looks"] += 1
        ended = self.rounds[number - 1]["looks"] > 1
        return {
            "number": number,
            "state": self.state if ended else "running",
            "message": "",
            "error": "out of paper",
            "candidate": f"model {number}" if ended else None,
            "num_masks": 10 * number,
            "scores": {"miou": number},
        }


def image(name: str) -> dict[str, object]:
    sizes = {"width": 90, "height": 60}
    return {"id": name, "name": name, "sha256": "0" * 64, "embedding": "ready", **sizes}


@pytest.fixture
def pictures(tmp_path: Path) -> list[CocoPicture]:
    return read_coco_folder(write_coco_folder(tmp_path / "set"), None)


def campaign(product: PaperProduct, *, is_control: bool = False) -> Campaign:
    client = Client(product, Tally(), first_wait_s=0.0)
    return Campaign(
        preparation=Preparation(client, say=lambda words: None),
        project_name="Paper",
        people=(),
        seed=5,
        round_settings={"steps": 3},
        is_control=is_control,
        say=lambda words: None,
        look_again_s=0.0,
    )


def test_shares_grow_to_all_pictures_in_an_order_of_the_seed(pictures: list[CocoPicture]) -> None:
    shares = list(portions(pictures, 3, seed=5))
    assert [len(share) for share in shares] == [2, 4, 6]
    assert shares[0] == shares[1][:2] == shares[2][:2]
    assert {one.path for one in shares[2]} == {one.path for one in pictures}
    assert shares[2] == next(portions(pictures, 1, seed=5))
    assert shares[2] != next(portions(pictures, 1, seed=6))
    with pytest.raises(ValueError, match="6 pictures"):
        list(portions(pictures, 7, seed=5))


def test_each_shift_has_new_images_and_the_model_that_was_promoted(
    pictures: list[CocoPicture],
) -> None:
    product = PaperProduct(better=[True, False])
    first, second, third = campaign(product).run(pictures, num_rounds=2)
    assert (first.model, first.round) == ("model 0", None)
    assert second.model == "model 1"
    assert second.round is not None
    assert (second.round.num_masks, second.round.refusal) == (10, "")
    assert third.model == "model 1", "what is worse is not used"
    assert third.round is not None
    assert third.round.refusal == "It is worse."
    assert [one["settings"] for one in product.rounds] == [
        {"steps": 3, "seed": 5001},
        {"steps": 3, "seed": 5002},
    ]
    assert [len(upload) for upload in product.uploads] == [2, 2, 2]
    told = third.summary()
    assert told["round"] == vars(third.round)
    assert json.dumps(told)


def test_both_arms_differ_in_the_masks_of_later_rounds_alone(pictures: list[CocoPicture]) -> None:
    arms = [PaperProduct(better=[True, True, True]) for _ in range(2)]
    for product, is_control in zip(arms, (False, True), strict=True):
        list(campaign(product, is_control=is_control).run(pictures, num_rounds=3))
    new, control = arms
    assert control.uploads == new.uploads
    asked = [[one["settings"] for one in product.rounds] for product in arms]
    assert asked[1][0] == asked[0][0]
    assert asked[1][1:] == [{**one, "training_masks": "earlier"} for one in asked[0][1:]]


def test_a_round_that_fails_ends_the_campaign(pictures: list[CocoPicture]) -> None:
    product = PaperProduct(state="failed")
    shifts = campaign(product).run(pictures, num_rounds=1)
    assert next(shifts).model == "model 0"
    with pytest.raises(Refused, match="round 1 is failed: out of paper"):
        next(shifts)
