"""Health, schema, metrics, and what every response carries."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.conf import settings as live_settings
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from annotator.middleware import ISOLATION_HEADERS
from tests.cast import Browser, Cast

Browsers = Callable[[str], Browser]


def test_a_living_process_says_so(client: Client) -> None:
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_readiness_names_each_service(client: Client, settings: Settings) -> None:
    assert client.get("/readyz").json()["services"] == {
        "database": True,
        "broker": True,
        "storage": True,
    }
    assert client.get("/readyz").json()["workers"] == {"embed": False, "train": False, "web": False}
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["services"]["broker"]) == (503, False)
    assert reply.json()["services"]["database"] is True


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/me", "/api/v1/nowhere", "/nowhere-at-all"])
@pytest.mark.django_db
def test_every_response_is_isolated(client: Client, path: str) -> None:
    reply = client.get(path)
    for name, content in ISOLATION_HEADERS.items():
        assert reply.headers[name] == content
    assert reply.headers["X-Request-Id"]
    policy = reply.headers["Content-Security-Policy"]
    assert "'unsafe" not in policy and "'wasm-unsafe-eval'" in policy


def test_static_files_are_isolated_too(client: Client) -> None:
    reply = client.get(f"{live_settings.STATIC_BASE}js/geometry/rle.js")
    assert reply.status_code == 200
    assert reply.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert reply.headers["Content-Type"].startswith("text/javascript")
    assert "Access-Control-Allow-Origin" not in reply.headers
    # Sent block by block: a synchronous iterator would be read whole into memory under ASGI.
    assert reply.is_async


def test_a_request_id_is_kept_when_it_is_harmless(client: Client) -> None:
    kept = client.get("/healthz", headers={"X-Request-Id": "0123-abcd"})
    assert kept.headers["X-Request-Id"] == "0123-abcd"
    changed = client.get("/healthz", headers={"X-Request-Id": 'x" evil'})
    assert changed.headers["X-Request-Id"] != 'x" evil'


@pytest.mark.django_db
def test_an_unknown_host_is_400(client: Client) -> None:
    assert client.get("/api/v1/me", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.django_db
def test_metrics_are_for_admins_and_this_machine(browser: Browsers, cast: Cast) -> None:
    away = {"REMOTE_ADDR": "10.0.0.9"}
    assert browser("dan").client.get("/metrics", **away).status_code == 200
    assert browser("carol").client.get("/metrics", **away).status_code == 404
    assert Client().get("/metrics").status_code == 200
    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 404


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_503(
    browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = browser("alice")

    def refuse(*args: object, **kwargs: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("annotator.api.people.memberships_of", refuse)
    reply = alice.get("me")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
    assert "closed the connection" not in reply.content.decode()


@pytest.mark.django_db
def test_the_schema_knows_every_address(browser: Browsers) -> None:
    reply = browser("alice").client.get("/api/schema?format=json")
    assert reply.status_code == 200
    text = reply.content.decode()
    for address in ("/api/v1/masks/{mask_id}", "/api/v1/interactions", "/api/v1/me"):
        assert address in text
    assert browser("nobody").client.get("/api/schema").status_code == 401


def test_the_deployment_check_is_clean() -> None:
    # The browser tests' driver needs this variable; a deployment must not have it.
    inherited = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=live_settings.BASE_DIR,
        env={**inherited, "DEBUG": "0", "HTTPS": "1", "SECRET_KEY": secrets.token_urlsafe(60)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
