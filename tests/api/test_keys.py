"""A person's keys over HTTP: kept whole, the last save counts, nobody else's business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]


def path(cast: Cast, name: str = "alice") -> str:
    return f"people/{cast.by_name(name).id}/keys"


def test_keys_are_kept_for_every_browser_and_the_last_save_counts(
    browser: Browsers, cast: Cast
) -> None:
    desk, laptop = browser("alice"), browser("alice")
    assert desk.get(path(cast)).json() == {"keys": {}, "saved_at": None}
    first = {"tool_brush": ["Y"], "fit": []}
    assert desk.send("PUT", path(cast), {"keys": first}).status_code == 200
    assert laptop.get(path(cast)).json()["keys"] == first
    second = {"zoom_in": ["Ctrl++", "Ctrl+=", "+"]}
    saved = laptop.send("PUT", path(cast), {"keys": second}).json()
    assert desk.get(path(cast)).json() == saved
    assert saved["keys"] == second and saved["saved_at"] is not None


def test_nobody_reads_or_changes_the_keys_of_another(browser: Browsers, cast: Cast) -> None:
    for name in ("bob", "carol", "dan"):
        assert browser(name).get(path(cast)).status_code == 404
        assert browser(name).send("PUT", path(cast), {"keys": {"fit": ["0"]}}).status_code == 404
    assert browser("alice").get(path(cast)).json()["keys"] == {}


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ({"fit": ["0"] * 9}, 422),
        ({"fit": ["0" * 41]}, 422),
        ({"fit": ["\x07"]}, 422),
        ({"fit": "0"}, 422),
        ({"fit": [["0"]]}, 422),
        ({"fit": [""]}, 422),
        ({"<b>": ["0"]}, 422),
        ({f"command_{i}": [] for i in range(201)}, 422),
        (["fit"], 422),
        (None, 422),
    ],
)
def test_what_is_no_table_of_keys_is_refused_and_leaves_the_old_ones(
    browser: Browsers, cast: Cast, keys: Any, status: int
) -> None:
    alice = browser("alice")
    alice.send("PUT", path(cast), {"keys": {"fit": ["0"]}})
    reply = alice.send("PUT", path(cast), {"keys": keys})
    assert reply.status_code == status, reply.content
    assert alice.send("PUT", path(cast), {"keys": {}, "person": "bob"}).status_code == 400
    assert alice.get(path(cast)).json()["keys"] == {"fit": ["0"]}
