"""The long runs, only by `python3 run.py soak`: kills at random, and what a weaker promise would lose."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from launcher.os_processes import wait_until
from tests.faults.annotators import Annotator, Ledger
from tests.faults.test_kills import OPEN_JOBS, SHORT_LEASE, answers, picture, stored_masks
from tests.live_product import LiveProduct, running_product

MINUTES = float(os.environ.get("MASKWRIGHT_SOAK_MINUTES", "10"))
PAUSES_S = (0.2, 12.0)
UPLOAD_EVERY = 5

pytestmark = [pytest.mark.soak, pytest.mark.faults]


@pytest.fixture
def fragile(bundle: Path) -> Iterator[LiveProduct]:
    """A product of its own."""
    with running_product(bundle, with_embeddings=False, environment=SHORT_LEASE) as live:
        yield live


def test_random_kills_for_minutes_lose_nothing(fragile: LiveProduct) -> None:
    seed = random.randrange(10**6)
    print(f"\nseed {seed}, {MINUTES:g} minutes")
    dice = random.Random(seed)
    manager = fragile.session("manager")
    project = manager.get("/api/v1/projects").json()["projects"][0]["id"]
    ledger = Ledger()
    team = [
        Annotator(session=fragile.session(name), project=project, ledger=ledger, seed=seed + index)
        for index, name in enumerate(("annotator", "manager"))
    ]
    for annotator in team:
        annotator.start()
    end, round_number = time.monotonic() + 60 * MINUTES, 0
    while time.monotonic() < end:
        round_number += 1
        pause = time.monotonic() + dice.uniform(*PAUSES_S)
        fragile.wait_for(lambda until=pause: time.monotonic() > until, 60.0, "the pause")
        victims = dice.sample(fragile.supervisor.names, dice.choice((1, 1, 1, 2, 3)))
        for victim in victims:
            if fragile.supervisor.alive(victim):
                fragile.kill(victim)
        print(f"{round_number}: killed {', '.join(victims)}; {len(ledger.promises)} saves so far")
        if round_number % UPLOAD_EVERY == 0:
            fragile.wait_for(lambda: answers(fragile), 120.0, "readiness")
            name = f"noise {round_number}.png"
            manager.upload(
                f"/api/v1/projects/{project}/images", {name: picture(seed + round_number)}
            )
        assert [annotator.surprise for annotator in team] == [None, None]
    for annotator in team:
        annotator.leave()
    fragile.wait_for(lambda: not any(one.is_alive() for one in team), 120.0, "the last saves")
    fragile.wait_for(
        lambda: answers(fragile) and fragile.ask(OPEN_JOBS) == [(0,)], 300.0, "the jobs"
    )
    assert ledger.broken(stored_masks(fragile)) == []


@pytest.mark.parametrize(("synchronous_commit", "loses"), [("on", False), ("off", True)])
def test_only_synchronous_commit_keeps_what_was_acknowledged(
    fragile: LiveProduct, synchronous_commit: str, loses: bool
) -> None:
    """The same kill, with the promise kept and broken on purpose: the check can tell them apart."""
    url = fragile.product.settings["DATABASE_URL"]
    acknowledged: list[int] = []
    _execute(url, "CREATE TABLE promise (number integer)")
    writer = threading.Thread(
        target=_write_until_broken, args=(url, synchronous_commit, acknowledged), daemon=True
    )
    writer.start()
    assert wait_until(lambda: len(acknowledged) > 200, 60.0)
    fragile.kill("postgres")
    writer.join(30)
    fragile.wait_for(lambda: answers(fragile), 60.0, "the database")
    stored = {row[0] for row in fragile.ask("SELECT number FROM promise")}
    assert (set(acknowledged) - stored != set()) is loses


def _write_until_broken(url: str, synchronous_commit: str, acknowledged: list[int]) -> None:
    connection = psycopg2.connect(url, options=f"-c synchronous_commit={synchronous_commit}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        try:
            while True:
                cursor.execute("INSERT INTO promise VALUES (%s)", (len(acknowledged),))
                acknowledged.append(len(acknowledged))
        except psycopg2.OperationalError:
            return


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
