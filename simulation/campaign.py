"""Shifts with rounds of retraining in between: annotate, retrain, promote, annotate new images."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.coco_folder import CocoPicture
from simulation.behaviour import Behaviour
from simulation.client import API, Client, Refused
from simulation.project import LONGEST_WAIT_S, Preparation, Say
from simulation.results import TeamReport
from simulation.team import Team

LOOK_AGAIN_S = 2.0
ROUND_SEEDS = 1000  # between two campaigns' seeds of training: their rounds draw nothing alike
ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class RoundEnd:
    """What became of a round; `refusal` says why its candidate was not promoted."""

    number: int
    num_masks: int  # it was trained on
    candidate: str  # id of the model version
    scores: Mapping[str, Any]  # the server's, of the candidate
    refusal: str = ""


@dataclass(frozen=True)
class ShiftEnd:
    """One shift, the model its people worked with, and the round before it (None for the first)."""

    report: TeamReport
    model: str
    round: RoundEnd | None

    def summary(self) -> dict[str, object]:
        """The JSON of a shift."""
        trained = self.round and vars(self.round)
        return {"model": self.model, "round": trained, **self.report.summary()}


@dataclass
class Campaign:
    """One project through several shifts; each gets images that nobody has seen before."""

    preparation: Preparation
    project_name: str
    people: Sequence[str]
    seed: int
    round_settings: Mapping[str, object] = field(default_factory=dict)  # the API's
    is_control: bool = False  # rounds after the first train on the first one's masks again
    behaviour: Behaviour = field(default_factory=Behaviour)
    say: Say = print
    look_again_s: float = LOOK_AGAIN_S

    def run(self, pictures: Sequence[CocoPicture], *, num_rounds: int) -> Iterator[ShiftEnd]:
        """`num_rounds` rounds between shifts, one more of these; the pictures are shared out.

        A candidate that the product does not let pass is not promoted: the next shift goes on
        with the model before. With `is_control` every round after the first takes as many steps on the
        first one's masks; everything else is the same. Raises `NotPrepared` and `Refused`.
        """
        project = self.preparation.project(self.project_name)
        sessions = [self.preparation.annotator(project, name) for name in self.people]
        trained: RoundEnd | None = None
        for number, seen in enumerate(portions(pictures, num_rounds + 1, self.seed)):
            if number:
                trained = self._retrain(project, number)
            references = self.preparation.images(project, seen)
            self.preparation.wait_for_embeddings(project)
            model = str(self._admin.get("/models")["current"])
            team = Team(project, references, self.seed, self.behaviour, self.say)
            yield ShiftEnd(team.work(sessions), model, trained)

    @property
    def _admin(self) -> Client:
        return self.preparation.client

    def settings_of(self, number: int) -> dict[str, object]:
        """What the API is told of a round: rounds differ in their seed, arms in their masks."""
        settings = {**self.round_settings, "seed": ROUND_SEEDS * self.seed + number}
        repeats = self.is_control and number > 1
        return settings | {"training_masks": "earlier"} if repeats else settings

    def _retrain(self, project: str, number: int) -> RoundEnd:
        path = f"/projects/{project}/rounds"
        started = self._admin.post(path, self.settings_of(number), expected=(202,))
        ended = self._follow(started["id"])
        candidate = ended["candidate"]
        if ended["state"] != "done" or candidate is None:
            raise Refused(f"round {ended['number']} is {ended['state']}: {ended['error']}")
        refusal = self._promote(candidate)
        return RoundEnd(ended["number"], ended["num_masks"], candidate, ended["scores"], refusal)

    def _follow(self, round_id: str) -> dict[str, Any]:
        """The round when it has ended."""
        until, told = time.monotonic() + LONGEST_WAIT_S, ""
        while time.monotonic() < until:
            found: dict[str, Any] = self._admin.get(f"/rounds/{round_id}")
            words = f"round {found['number']}: {found['state']} {found['message']}"
            if words != told:
                self.say(words)
            told = words
            if found["state"] in ENDED:
                return found
            time.sleep(self.look_again_s)
        raise Refused(f"{told}, for too long: does a train worker run?")

    def _promote(self, candidate: str) -> str:
        """Put the candidate into use; "" or why the product refuses."""
        body = {
            "expected_current": self._admin.get("/models")["current"],
            "reason": "round of a simulated team",
        }
        path = f"{API}/models/{candidate}/promote"
        reply = self._admin.send("POST", path, body, expected=(200, 409))
        return "" if reply.status == 200 else str(reply.json()["error"]["message"])


def portions(
    pictures: Sequence[CocoPicture], count: int, seed: int
) -> Iterator[Sequence[CocoPicture]]:
    """All pictures up to and with the first, second, … of `count` shares, in an order drawn by `seed`.

    Raises ValueError when there are fewer pictures than shares.
    """
    if len(pictures) < count:
        raise ValueError(f"{len(pictures)} pictures cannot be shared out to {count} shifts")
    order = np.random.default_rng(seed).permutation(len(pictures))
    drawn = [pictures[i] for i in order]
    for number in range(1, count + 1):
        yield drawn[: len(drawn) * number // count]
