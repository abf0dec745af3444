"""One arm: a product of its own, a team, rounds in between, a line of JSON after each shift."""

import hashlib
import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Literal

from benchmarks.rounds.pictures import share_out, with_largest
from benchmarks.rounds.scoring import Scorer
from common.coco_folder import read_coco_folder
from launcher.command import run_logged
from launcher.places import environment_python
from launcher.product import Product
from launcher.throwaway import throwaway_product
from simulation.campaign import Campaign, ShiftEnd
from simulation.client import Client, Tally
from simulation.http_session import HttpSession
from simulation.project import UPLOAD_LIMIT_S, Preparation

Arm = Literal["new", "control"]
PROJECT = "Rounds"
MINUTES = 600.0  # of a round's training: it ends by its steps


@dataclass(frozen=True, kw_only=True)
class ArmSettings:
    """What decides an arm. The defaults are chosen for two cores."""

    weights: Path  # to start from; the configuration lies beside
    images: Path  # COCO folder
    arm: Arm
    seed: int
    rounds: int = 6
    held_out: int = 24  # pictures that the product never gets
    gate_percent: int = 20  # of the team's pictures, which the product's gate scores candidates on
    limit: int = 42  # pictures for the team, shared out to the shifts
    objects: int = 4  # of a picture at most, the largest
    clicks: int = 6  # on a held-out mask at most
    people: int = 4
    steps: int = 70  # of a round
    learning_rate: float = 2e-4
    train_encoder: bool = True  # not the decoder alone

    def facts(self) -> dict[str, object]:
        """For people: no path of this machine."""
        given = {
            key: value for key, value in vars(self).items() if key not in ("weights", "images")
        }
        digest = hashlib.sha256(self.weights.read_bytes()).hexdigest()
        return {
            **given,
            "weights": f"{self.weights.stem} {digest[:12]}",
            "images": self.images.name,
        }


def run_arm(settings: ArmSettings, out: Path) -> bool:
    """Run all shifts; each adds its line to `out`. Whether no request failed and all finished.

    A file that is complete is left alone; of one that is not, the arm begins anew.
    """
    if out.exists() and len(out.read_text().splitlines()) > settings.rounds:
        print(f"{out.name} is complete.", file=sys.stderr)
        return True
    out.parent.mkdir(parents=True, exist_ok=True)
    is_clean, facts = True, settings.facts()
    began = time.monotonic()
    with out.open("w") as lines:
        for told, shift in _shifts(settings):
            is_clean = is_clean and shift.report.is_clean
            real = {"real_minutes": round((time.monotonic() - began) / 60, 1)}
            lines.write(json.dumps({"settings": facts, **told, **real}) + "\n")
            lines.flush()
    return is_clean


def _shifts(settings: ArmSettings) -> Iterator[tuple[dict[str, object], ShiftEnd]]:
    """What is to be kept of each shift, and the shift."""
    found = [with_largest(one, settings.objects) for one in read_coco_folder(settings.images, None)]
    found = [picture for picture in found if picture.counts]
    kept, shared = share_out(
        found, held_out=settings.held_out, limit=settings.limit, seed=settings.seed
    )
    with _product(settings.weights) as client:
        project = {"name": PROJECT, "held_out_percent": settings.gate_percent}
        client.post("/projects", project, expected=(201,))
        scorer = Scorer(client, kept, settings.clicks)
        for number, shift in enumerate(
            _campaign(settings, client).run(shared, num_rounds=settings.rounds)
        ):
            told: dict[str, object] = {
                "round": number,
                "in_use": scorer.scores(shift.model),
                "candidate": scorer.scores(shift.round.candidate) if shift.round else None,
                "shift": shift.summary(),
            }
            _say(json.dumps({key: told[key] for key in ("round", "in_use", "candidate")}))
            yield told, shift


def _campaign(settings: ArmSettings, client: Client) -> Campaign:
    return Campaign(
        preparation=Preparation(client, say=_say),
        project_name=PROJECT,
        people=[f"simulated-{number}" for number in range(1, settings.people + 1)],
        seed=settings.seed,
        round_settings={
            "steps": settings.steps,
            "minutes": MINUTES,
            "learning_rate": settings.learning_rate,
            "train_encoder": settings.train_encoder,
        },
        is_control=settings.arm == "control",
        say=_say,
    )


@contextmanager
def _product(weights: Path) -> Iterator[Client]:
    """An admin's client of a product of our own that starts from these weights."""

    def prepare(product: Product) -> None:
        bundle = product.home.first_bundle
        run_logged(
            [environment_python(), "-m", "onnx_export", "--weights", weights, "--out", bundle],
            log=product.home.logs / "onnx_export.log",
        )
        product.manage("register_bundle", str(bundle), "--promote")

    with throwaway_product(prepare, environment={"MASKWRIGHT_NICENESS": "0"}) as running:
        link = running.product.manage("create_person", "admin", "--admin").strip()
        session = HttpSession(running.product.address.url, timeout_s=UPLOAD_LIMIT_S)
        session.use_link(link, secrets.token_urlsafe(24))
        _say(f"product at {running.product.address.url}")
        ended = Event()
        watch = Thread(target=running.supervisor.keep, kwargs={"until": ended.is_set}, daemon=True)
        watch.start()
        try:
            yield Client(session, Tally())
        finally:
            ended.set()
            watch.join()


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)
