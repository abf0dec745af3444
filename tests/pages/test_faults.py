"""A fault of ours: a page for people, JSON for programs, and no word about its inside."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config.urls import handler500 as handler500


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of the inside")


def without_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("a secret of the inside")


urlpatterns = [
    path("broken", broken),
    path("api/v1/broken", broken),
    path("without-database", without_database),
]
pytestmark = pytest.mark.urls("tests.pages.test_faults")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("place", "status", "heading"),
    [
        ("/broken", 500, "Something went wrong here"),
        ("/without-database", 503, "Not reachable for a moment"),
    ],
)
def test_a_person_gets_a_page_in_the_design(
    client: Client, place: str, status: int, heading: str
) -> None:
    reply = client.get(place)
    assert reply.status_code == status
    assert f"<h1>{heading}</h1>" in reply.text
    assert "css/base.css" in reply.text
    assert "secret" not in reply.text


def test_a_program_gets_json(client: Client) -> None:
    reply = client.get("/api/v1/broken")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in reply.text
