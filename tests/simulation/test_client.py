"""Requests are repeated as the page repeats them, and every failure is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulation.client import TRIES, Client, Refused, Tally
from simulation.http_session import HttpSession, Reply


class Script(HttpSession):
    """Answers with the statuses of a script; None is no answer at all."""

    def __init__(self, *statuses: int | None) -> None:
        super().__init__("http://nowhere.invalid")
        self.statuses: Iterator[int | None] = iter(statuses)

    def request(self, method: str, path: str, body: object = None, **_unused: object) -> Reply:
        status = next(self.statuses)
        if status is None:
            raise ConnectionResetError("the line is dead")
        return Reply(status, {}, b'{"fine": true}')


def client(*statuses: int | None) -> Client:
    return Client(Script(*statuses), Tally(), first_wait_s=0.0)


def test_an_outage_is_counted_and_outlived() -> None:
    one = client(None, 503, 200)
    assert one.get("/me") == {"fine": True}
    assert (one.tally.requests, one.tally.failed) == (3, 2)
    assert one.tally.failures[0].startswith("GET /api/v1/me: no answer")


def test_an_outage_without_end_stops_the_person() -> None:
    one = client(*[502] * TRIES)
    with pytest.raises(Refused, match="502"):
        one.get("/me")
    assert one.tally.failed == TRIES


def test_a_refusal_is_not_repeated() -> None:
    one = client(412)
    with pytest.raises(Refused, match="412"):
        one.post("/interactions")
    assert (one.tally.requests, one.tally.failed) == (1, 1)


def test_an_answer_that_was_expected_is_no_failure() -> None:
    one = client(409)
    assert one.send("GET", "/x", expected=(200, 409)).status == 409
    assert one.tally.failed == 0
