"""kill -9 at random points of rounds: each one ends so that a person can go on, and nothing is half-promoted.

Only by `python3 run.py soak tests/faults/test_round_soak.py`; MASKWRIGHT_SOAK_KILLS says how many kills,
MASKWRIGHT_SOAK_SEED which (other ones each time when it is not set). Each round meets a few of them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import torch

from common.manifest import MANIFEST_NAME, BadManifest, Manifest
from common.messages import bundle_prefix
from tests.faults.annotators import Annotator, Ledger, try_to_send
from tests.faults.test_kills import answers, more_promises, picture, stored_masks
from tests.http_session import HttpSession, Reply
from tests.live_product import LiveProduct, running_product
from tests.patience import LONG_S
from tests.tiny_bundle import make_tiny_bundle

KILLS = int(os.environ.get("MASKWRIGHT_SOAK_KILLS", "10"))
KILLS_A_ROUND = 3
KILLED_TRAINERS_A_ROUND = 2  # a third one would be the end of its round: a job has three attempts
SEED = int(os.environ.get("MASKWRIGHT_SOAK_SEED") or random.randrange(10**6))
NEW_MASKS, NEW_IMAGES = 4, 5
PAUSE_S = 2.0
ROUND_S = 10 * LONG_S
LOOK_S = 0.5  # between two looks, which take processor time from what they look at
ENVIRONMENT = {
    "JOB_LEASE_SECONDS": "15",
    "MASKWRIGHT_CHECKPOINT_SECONDS": "2",
    "MASKWRIGHT_NICENESS": "0",
    "MASKWRIGHT_THREADS": "1",
}
SHORT = {
    "steps": 1_000_000,
    "minutes": 0.2,
    "images_per_batch": 1,
    "masks_per_image": 1,
    "rounds": 2,
    "held_out_images": 2,
}
OPEN, ENDED = ("queued", "running"), ("done", "failed", "cancelled")
TRAIN, EVALUATE, COMPARE, EXPORT = (
    "model_server.training.train",
    "model_server.training.evaluate",
    "model_server.training.compare",
    "model_server.worker.make_bundle",
)
TRAINER = "the trainer itself"
TRAINERS, OTHERS = ("train-worker", TRAINER), ("web-worker", "web", "valkey", "postgres")
PROGRAMS = (*TRAINERS, *OTHERS)
ASKED, PROMOTED, QUEUED, REGISTERED = "asked for", "promoted", "queued", "registered"
POINTS = (ASKED, QUEUED, EVALUATE, TRAIN, COMPARE, EXPORT, REGISTERED, PROMOTED)
JOB = "SELECT state, token, attempt, error, result FROM annotator_job WHERE id = %s"

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


@dataclass(frozen=True)
class Kill:
    """kill -9 of a program so long after a round came to a point."""

    point: str
    program: str
    delay_s: float


@dataclass(frozen=True)
class Seen:
    """A round as its job's row shows it."""

    state: str
    token: int
    attempt: int
    error: str
    result: dict[str, Any]


@dataclass
class RoundUnderFire:
    """What became of a round; `kept` are the lines of the training log up to the last checkpoint, before each kill."""

    seen: Seen
    candidate: str | None
    log: list[str]
    kept: list[list[str]] = field(default_factory=list)
    most_trainers: int = 1

    def faults(self) -> list[str]:
        """What a person could not go on from, and what tells of two trainers or of lost work."""
        found = []
        if self.seen.state not in ENDED:
            found.append(f"the round stays {self.seen.state}")
        if self.seen.state == "done" and self.candidate is None:
            found.append("done without a candidate")
        if self.seen.state == "failed" and not self.seen.error:
            found.append("failed without a word")
        steps = [json.loads(line)["step"] for line in self.log]
        if self.most_trainers > 1 or steps != sorted(set(steps)):
            found.append("two trainers at work on one round")
        if self.seen.state == "done" and any(self.log[: len(one)] != one for one in self.kept):
            found.append("the training began anew in spite of its checkpoint")
        return found


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is trained in seconds."""
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"), seed=5)


@pytest.fixture
def live(tiny: Path) -> Iterator[LiveProduct]:
    """A product of its own, on that model."""
    with running_product(tiny, environment=ENVIRONMENT) as running:
        yield running


@dataclass
class Engine:
    """An admin who turns the data engine of a project while its programs are killed."""

    product: LiveProduct
    project: str
    ledger: Ledger = field(default_factory=Ledger)
    began: float = field(default_factory=time.monotonic)

    @property
    def admin(self) -> HttpSession:
        return self.product.session("admin")

    def send(self, method: str, path: str, body: object = None) -> Reply:
        """The first answer that is no outage; the programs are started again meanwhile."""
        found: list[Reply] = []

        def answered() -> bool:
            reply = try_to_send(self.admin, method, f"/api/v1{path}", body)
            found.extend([] if reply is None else [reply])
            return bool(found)

        self.wait(answered, LONG_S, f"an answer to {method} {path}")
        return found[0]

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """`LiveProduct.wait_for` with fewer looks."""
        due = 0.0

        def holds() -> bool:
            nonlocal due
            if time.monotonic() < due:
                return False
            due = time.monotonic() + LOOK_S
            return condition()

        self.product.wait_for(holds, seconds, what)

    def send_under(self, kill: Kill | None, method: str, path: str, body: object) -> list[Reply]:
        """The same with a kill while the first try is on its way; the answers to all tries, the last one last."""
        first: list[Reply | None] = []
        url = f"/api/v1{path}"
        sender = threading.Thread(
            target=lambda: first.append(try_to_send(self.admin, method, url, body))
        )
        sender.start()
        if kill is not None:
            self.pause(kill.delay_s)
            self.say(f"killed {self.kill(kill, '')} while a round was {kill.point}")
        self.product.wait_for(lambda: not sender.is_alive(), LONG_S, f"the end of {method} {path}")
        return [first[0]] if first and first[0] is not None else [self.send(method, path, body)]

    def pause(self, seconds: float) -> None:
        """Let the product work for so long."""
        end = time.monotonic() + seconds
        self.product.wait_for(lambda: time.monotonic() >= end, LONG_S, "the pause")

    def kill(self, kill: Kill, job: str) -> str:
        """Kill the program, or what trains, else its worker; tells which."""
        children = children_of(job) if kill.program == TRAINER and job else []
        if children:
            os.kill(children[0][0], signal.SIGKILL)
            return f"{TRAINER} ({children[0][1].rpartition('.')[2]})"
        program = "train-worker" if kill.program == TRAINER else kill.program
        if self.product.supervisor.alive(program):
            self.product.kill(program)
        return program

    def bring_masks(self, number: int) -> None:
        """New images, and some masks accepted since now."""
        images = {
            f"round {number} {each}.png": picture(1000 * number + each)
            for each in range(NEW_IMAGES)
        }
        uploaded = self.product.session("manager").upload(
            f"/api/v1/projects/{self.project}/images", images
        )
        assert uploaded.status in (201, 422), uploaded.content[:300]
        self.product.wait_for(more_promises(self.ledger, 2 * NEW_MASKS), LONG_S, "new masks")

    def start(self, kill: Kill | None) -> dict[str, Any]:
        """A new round; 409 says that an earlier try was committed and its answer lost."""
        path = f"/projects/{self.project}/rounds"
        last = self.send_under(kill, "POST", path, SHORT)[-1]
        assert last.status in ([202] if kill is None else [202, 409]), last.content[:300]
        newest: dict[str, Any] = self.send("GET", path).json()["rounds"][0]
        return newest

    def look(self, job: str) -> Seen | None:
        """The job's row; None while the database is away."""
        try:
            [row] = self.product.ask(JOB, job)
        except psycopg2.OperationalError:
            return None
        return Seen(*row)

    def follow(self, started: dict[str, Any], kills: Sequence[Kill]) -> RoundUnderFire:
        """Kill at each point, then follow the round to its end."""
        job, kept, most = started["job"], list[list[str]](), 0

        def ended() -> bool:
            nonlocal most
            most = max(most, sum(module == TRAIN for _, module in children_of(job)))
            seen = self.look(job)
            return seen is not None and seen.state in ENDED

        for kill in kills:
            self.wait(lambda kill=kill: self.at(kill.point, job) or ended(), ROUND_S, kill.point)  # type: ignore[misc]
            self.pause(kill.delay_s)
            before = self.look(job)
            kept.append(self.kept_lines(job))
            modules = ", ".join(module.rpartition(".")[2] for _, module in children_of(job))
            self.say(
                f"killed {self.kill(kill, job)} at `{kill.point.rpartition('.')[2]}` (job"
                f" {before.state if before else 'unseen'}, at work: {modules or 'nothing'},"
                f" {len(kept[-1])} lines of the log are safe)"
            )
        self.wait(ended, ROUND_S, f"the end of round {started['number']}")
        self.wait(lambda: answers(self.product), LONG_S, "readiness")
        seen = self.look(job)
        assert seen is not None
        now = self.send("GET", f"/rounds/{started['id']}").json()
        log = self.product.home.storage / "jobs" / job / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return RoundUnderFire(seen, now["candidate"], lines, kept, most)

    def say(self, text: str) -> None:
        """A line of the soak's output."""
        print(f"{(time.monotonic() - self.began) / 60:.1f} min: {text}", flush=True)

    def at(self, point: str, job: str) -> bool:
        """Whether a round has come to a point."""
        if point == QUEUED:
            return True
        if point == REGISTERED:
            prefix = self.product.home.storage / "jobs" / job / "attempts"
            return any(prefix.glob(f"*/bundle/{MANIFEST_NAME}"))
        if point == TRAIN:
            return bool(self.kept_lines(job))
        return any(module == point for _, module in children_of(job))

    def kept_lines(self, job: str) -> list[str]:
        """Lines of the training log up to the checkpoint."""
        folder = self.product.home.model_cache / "jobs" / job / "out"
        try:
            step = torch.load(folder / "checkpoint.pt", weights_only=True)["progress"]["step"]
            lines = (folder / "log.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]

    def promote(self, candidate: str, kill: Kill | None) -> None:
        """The candidate is in use afterwards; 409 says that an earlier try was committed."""
        before = self.send("GET", "/models").json()["current"]
        body = {"expected_current": before, "reason": "soak", "override": True}
        last = self.send_under(kill, "POST", f"/models/{candidate}/promote", body)[-1]
        assert last.status in ([200] if kill is None else [200, 409]), last.content[:300]
        assert self.send("GET", "/models").json()["current"] == candidate

    def model_faults(self) -> list[str]:
        """What is wrong with the bundle of the model in use, as a browser fetches it."""
        current = self.send("GET", "/models").json()["current"]
        files = f"/models/{current}/files"
        told = self.send("GET", f"/models/{current}").json()["bundle_fingerprint"]
        try:
            manifest = Manifest.from_json(self.send("GET", f"{files}/{MANIFEST_NAME}").content)
            for name in manifest.files:
                manifest.check_file(name, self.send("GET", f"{files}/{name}").content)
        except BadManifest as damage:
            return [str(damage)]
        return [] if manifest.bundle_fingerprint == told else ["the manifest is of another bundle"]


@pytest.mark.soak
def test_rounds_survive_kills_at_random_points(live: LiveProduct) -> None:
    dice = random.Random(SEED)
    print(f"\nseed {SEED}, {KILLS} kills")
    project = live.session("manager").get("/api/v1/projects").json()["projects"][0]["id"]
    engine = Engine(live, project)
    assert engine.send("PATCH", f"/projects/{project}", {"held_out_percent": 30}).status == 200
    annotator = Annotator(
        session=live.session("annotator"),
        project=project,
        ledger=engine.ledger,
        seed=SEED,
        pause_s=PAUSE_S,
    )
    annotator.start()
    for number, kills in enumerate(planned_kills(dice, KILLS), 1):
        engine.bring_masks(number)
        by_point = {kill.point: kill for kill in kills}
        asked, promoted = by_point.pop(ASKED, None), by_point.pop(PROMOTED, None)
        started = engine.start(asked)
        assert started["number"] == number
        ended = engine.follow(started, list(by_point.values()))
        if ended.candidate is not None:
            engine.promote(ended.candidate, promoted)
        engine.say(
            f"round {number} is {ended.seen.state} by attempt {ended.seen.attempt}, token"
            f" {ended.seen.token} {ended.seen.error[:200]!r}; {len(ended.log)} lines of log;"
            f" {len(engine.ledger.promises)} saves"
        )
        assert ended.faults() == []
        assert engine.model_faults() == []
        assert annotator.surprise is None
    engine.bring_masks(number + 1)
    last = engine.start(None)
    assert engine.send("POST", f"/rounds/{last['id']}/cancel").status == 202
    assert engine.follow(last, []).seen.state == "cancelled"
    annotator.leave()
    live.wait_for(lambda: not annotator.is_alive(), LONG_S, "the last save")
    assert engine.ledger.broken(stored_masks(live)) == []


@pytest.mark.soak
def test_a_trainer_that_hung_and_wakes_up_changes_nothing(live: LiveProduct) -> None:
    """It stands still until another machine has taken the round over, and goes on in the middle of that."""
    project = live.session("manager").get("/api/v1/projects").json()["projects"][0]["id"]
    engine = Engine(live, project)
    annotator = Annotator(
        session=live.session("annotator"), project=project, ledger=engine.ledger, seed=SEED
    )
    annotator.start()
    engine.bring_masks(1)
    annotator.leave()
    started = engine.start(None)
    job = started["job"]
    live.wait_for(lambda: engine.at(TRAIN, job), ROUND_S, "the training")
    hung = live.supervisor.pid_of("train-worker")
    os.kill(hung, signal.SIGSTOP)
    other = other_machine(live)
    live.supervisor.start(other)
    live.wait_for(
        lambda: (engine.look(job) or Seen("", 0, 0, "", {})).attempt == 2, LONG_S, "attempt 2"
    )
    os.kill(hung, signal.SIGCONT)
    ended = engine.follow(started, [])
    assert ended.seen.state == "done" and ended.candidate is not None
    assert ended.seen.result["bundle_prefix"] == bundle_prefix(f"jobs/{job}", 2)
    late = live.home.storage / bundle_prefix(f"jobs/{job}", 1)
    assert not late.exists(), "the one that was overtaken stops before it has a result"
    words = live.home.logs / "train-worker.log"
    live.wait_for(lambda: "was overtaken" in words.read_text(), LONG_S, "the late one to stop")
    engine.promote(ended.candidate, None)
    assert engine.model_faults() == []


def other_machine(live: LiveProduct) -> Any:
    """Another trainer, with a model cache of its own."""
    worker = live.product.model_worker("train")
    cache = live.home.folder / "other-machine"
    environment = {**worker.environment, "MASKWRIGHT_MODEL_CACHE": str(cache)}
    return replace(worker, name="other-train-worker", environment=environment)


def planned_kills(dice: random.Random, number: int) -> list[list[Kill]]:
    """For each round its kills in the order of their points; the first rounds leave no point out."""
    rounds: list[list[Kill]] = []
    while True:
        shuffled = dice.sample(POINTS, len(POINTS))
        for first in range(0, len(shuffled), KILLS_A_ROUND):
            if sum(map(len, rounds)) >= number:
                return rounds
            rounds.append(
                _kills(dice, sorted(shuffled[first : first + KILLS_A_ROUND], key=POINTS.index))
            )


def _kills(dice: random.Random, points: list[str]) -> list[Kill]:
    """A training is killed itself, or its worker: it shall go on from its checkpoint."""
    kills: list[Kill] = []
    for point in points:
        num_trainers = sum(kill.program in TRAINERS for kill in kills)
        programs = PROGRAMS if num_trainers < KILLED_TRAINERS_A_ROUND else OTHERS
        program = dice.choice(TRAINERS if point == TRAIN and programs is PROGRAMS else programs)
        is_short = point in (ASKED, QUEUED, REGISTERED, PROMOTED)
        kills.append(Kill(point, program, dice.uniform(0, 0.5 if is_short else 2.5)))
    return kills


def children_of(job: str) -> list[tuple[int, str]]:
    """Process id and module of every process that works on a job."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "-m" in words and any(job in word for word in words):
            found.append((int(path.parent.name), words[words.index("-m") + 1]))
    # What they fork to prepare batches has their command line, but no group of its own.
    return [(process, module) for process, module in found if leads_a_group(process)]


def leads_a_group(process: int) -> bool:
    try:
        return os.getpgid(process) == process
    except ProcessLookupError:
        return False


# ---- the checker itself ------------------------------------------------------------------------

LOG = ['{"step": 5, "minutes": 0.01}', '{"step": 10, "minutes": 0.02}']


def under_fire(
    state: str = "done", *, candidate: str | None = "c", error: str = "", **more: Any
) -> RoundUnderFire:
    seen = Seen(state=state, token=2, attempt=2, error=error, result={})
    return RoundUnderFire(**({"seen": seen, "candidate": candidate, "log": LOG} | more))


@pytest.mark.parametrize(
    "ended",
    [
        under_fire(),
        under_fire(kept=[LOG[:1], LOG]),
        under_fire("failed", candidate=None, error="The worker of attempt 3 went silent."),
        under_fire("cancelled", candidate=None, log=[]),
    ],
)
def test_the_checker_accepts_what_a_person_can_go_on_from(ended: RoundUnderFire) -> None:
    assert ended.faults() == []


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (under_fire("running"), "stays running"),
        (under_fire(candidate=None), "without a candidate"),
        (under_fire("failed", candidate=None), "without a word"),
        (under_fire(log=[*LOG, LOG[1]]), "two trainers"),
        (under_fire(log=[LOG[1], LOG[0]]), "two trainers"),
        (under_fire(most_trainers=2), "two trainers"),
        (under_fire(kept=[LOG[:1], ['{"step": 5, "minutes": 0.09}']]), "began anew"),
    ],
)
def test_the_checker_notices(ended: RoundUnderFire, fault: str) -> None:
    [found] = ended.faults()
    assert fault in found


def test_kills_are_planned_by_the_seed_and_leave_no_point_out() -> None:
    rounds = planned_kills(random.Random(3), 10)
    assert rounds == planned_kills(random.Random(3), 10) != planned_kills(random.Random(4), 10)
    assert {kill.point for kills in rounds for kill in kills} == set(POINTS)
    assert sum(map(len, rounds)) >= 10
    for kills in rounds:
        points = [POINTS.index(kill.point) for kill in kills]
        assert points == sorted(set(points))
        assert sum(kill.program in TRAINERS for kill in kills) <= KILLED_TRAINERS_A_ROUND


def test_a_training_is_killed_itself_or_with_its_worker() -> None:
    kills = [
        kill for seed in range(20) for one in planned_kills(random.Random(seed), 10) for kill in one
    ]
    programs = [kill.program for kill in kills if kill.point == TRAIN]
    assert set(TRAINERS) <= set(programs)
    assert sum(program in TRAINERS for program in programs) > len(programs) / 2
