"""No body, however odd, is answered with 5xx."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from annotator.models import Assignment, Mask, Project
from tests.cast import Browser, Cast, lend, make_image, save_body

Browsers = Callable[[str], Browser]

UNPARSABLE = {
    "nothing": b"",
    "half an object": b'{"name": ',
    "deep arrays": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 30 + b"1" + b"}" * 30,
    "unclosed depth": b"[" * 100_000,
    "an array": b"[]",
    "a text": b'"name"',
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "a number beyond doubles": b'{"name": 1e999}',
    "ten thousand digits": b'{"name": ' + b"1" * 10_000 + b"}",
    "a key twice": b'{"name": "a", "name": "b"}',
    "NUL escaped": b'{"name": "a\\u0000b"}',
    "NUL in a key": b'{"na\\u0000me": "a"}',
    "NUL as it is": b'{"name": "a\x00b"}',
    "half a surrogate pair": b'{"name": "a\\ud800b"}',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "a"}',
}


@pytest.mark.parametrize("kind", [kind for kind in UNPARSABLE if kind != "nothing"])
def test_what_is_not_an_object_is_400(browser: Browsers, kind: str) -> None:
    reply = browser("dan").post("projects", UNPARSABLE[kind])
    assert reply.status_code == 400, reply.content
    assert reply.json()["error"]["code"] == "bad_request"
    assert Project.objects.filter(name__startswith="a").count() == 0


def test_an_empty_body_lacks_its_fields(browser: Browsers) -> None:
    reply = browser("dan").send("POST", "projects")
    assert (reply.status_code, reply.json()["error"]["field"]) == (422, "name")


def test_a_real_surrogate_pair_is_text(browser: Browsers) -> None:
    reply = browser("dan").post("projects", b'{"name": "boats \\ud83d\\ude80"}')
    assert (reply.status_code, reply.json()["name"]) == (201, "boats \U0001f680")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_anything_but_json_is_415(browser: Browsers, content_type: str) -> None:
    reply = browser("dan").client.generic(
        "POST", "/api/v1/projects", b'{"name": "a"}', content_type=content_type
    )
    assert reply.status_code == 415


def test_html_is_never_the_answer(browser: Browsers) -> None:
    reply = browser("alice").send("GET", "me", None, Accept="text/html")
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["NUL escaped", "half a surrogate pair", "deep arrays", "NaN"])
def test_odd_text_inside_a_json_column_is_400(browser: Browsers, cast: Cast, kind: str) -> None:
    make_image(cast.project)
    lent: Assignment = lend(cast.alice, cast.project)
    whole = save_body(lent, prompts=[{"kind": "point", "note": "PLACE"}])
    body = json.dumps(whole).encode().replace(b'"PLACE"', UNPARSABLE[kind].partition(b": ")[2][:-1])
    reply = browser("alice").save(uuid.uuid4(), body)
    assert reply.status_code == 400, reply.content
    assert not Mask.objects.exists()


def test_a_filter_with_nul_is_400(browser: Browsers, cast: Cast) -> None:
    reply = browser("carol").get(f"projects/{cast.project.id}/images?name=%00")
    assert reply.status_code == 400


@pytest.mark.parametrize(
    "path", ["projects/%00", "images/x", "masks/7d3c1f52-4a86-4b0e-9d55-0c8e2b7a6f19x", "nowhere"]
)
def test_an_address_that_means_nothing_is_404(browser: Browsers, path: str) -> None:
    assert browser("dan").get(path).status_code == 404
