"""A person's own page: tokens are shown once, and are nobody else's."""

from __future__ import annotations

import re

import pytest

from annotator.models import ApiToken
from tests.cast import Cast
from tests.pages.conftest import Visitors


def test_a_token_is_made_shown_once_and_revoked(visitor: Visitors, cast: Cast) -> None:
    alice = visitor("alice")
    fields = {"name": "night <script>", "days": "30", "scope": ["annotate"]}
    made = alice.post("/account/tokens", fields)
    secret = re.search(r'value="(mw_[^"]+)"', made.text)
    assert secret is not None and "no-store" in made.headers["Cache-Control"]
    shown = alice.get("/account").text
    assert secret[1] not in shown
    assert "night &lt;script&gt;" in shown and "read, annotate" in shown
    reply = visitor("nobody").get("/api/v1/me", headers={"Authorization": f"Bearer {secret[1]}"})
    assert reply.json()["name"] == "alice"
    token = ApiToken.objects.get()
    path = f"/account/tokens/{token.id}/revoke"
    assert visitor("bob").post(path).status_code == 404
    assert visitor("nobody").post(path).status_code == 302
    assert alice.post(path).status_code == 302
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "days": "30"},
        {"name": "kept", "days": "thirty"},
        {"name": "kept", "days": "367"},
        {"name": "kept", "days": "30", "scope": ["manage"]},
    ],
)
def test_what_was_refused_stays_in_the_form(
    visitor: Visitors, cast: Cast, fields: dict[str, str]
) -> None:
    reply = visitor("alice").post("/account/tokens", fields)
    assert reply.status_code == 422 and 'role="alert"' in reply.text
    assert f'value="{fields["name"]}"' in reply.text
    assert not ApiToken.objects.exists()


def test_only_scopes_within_reach_are_offered(visitor: Visitors, cast: Cast) -> None:
    offered = {
        who: set(re.findall(r'name="scope" value="(\w+)"', visitor(who).get("/account").text))
        for who in ("alice", "carol", "dan")
    }
    assert offered["alice"] == {"annotate"}
    assert offered["carol"] == {"annotate", "manage"}
    assert offered["dan"] == {"annotate", "manage", "admin"}
