"""Who gets what from every address of the API: a new address without a row here fails."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import Browser, Cast
from tests.places import make_places

Browsers = Callable[[str], Browser]
NAMES = ("nobody", "mallory", "alice", "carol", "dan")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Row:
    """Expected statuses for nobody, Mallory, Alice (annotator, holds the lease), Carol (manager), Dan (admin).

    "ok" is any answer to somebody who may do this: 2xx, or what the empty body deserves (400-428, no 401/403/404).
    """

    method: str
    address: str
    mallory: str
    alice: str
    carol: str
    dan: str


def row(line: str) -> Row:
    method, address, *expected = line.split()
    return Row(method, address, *expected)


MATRIX = [
    row(line)
    for line in """
    GET    me                                            ok  ok  ok  ok
    DELETE session                                       ok  ok  ok  ok
    GET    people                                        403 403 403 ok
    POST   people                                        403 403 403 ok
    PATCH  people/{person}                               403 403 403 ok
    POST   people/{person}/sign-in-link                  403 403 403 ok
    GET    people/{own}/keys                             404 ok  404 404
    PUT    people/{own}/keys                             404 ok  404 404
    GET    tokens                                        ok  ok  ok  ok
    POST   tokens                                        ok  ok  ok  ok
    DELETE tokens/{token}                                404 ok  404 404
    GET    projects                                      ok  ok  ok  ok
    POST   projects                                      ok  403 ok  ok
    GET    projects/{project}                            404 ok  ok  ok
    PATCH  projects/{project}                            404 403 ok  ok
    GET    projects/{project}/members                    404 403 ok  ok
    POST   projects/{project}/members                    404 403 ok  ok
    DELETE projects/{project}/members/{person}           404 403 ok  ok
    GET    projects/{project}/invitations                404 403 ok  ok
    POST   projects/{project}/invitations                404 403 ok  ok
    DELETE projects/{project}/invitations/{invitation}   404 403 ok  ok
    GET    projects/{project}/webhooks                   404 403 ok  ok
    POST   projects/{project}/webhooks                   404 403 ok  ok
    GET    projects/{project}/webhooks/{webhook}         404 403 ok  ok
    PATCH  projects/{project}/webhooks/{webhook}         404 403 ok  ok
    DELETE projects/{project}/webhooks/{webhook}         404 403 ok  ok
    POST   projects/{project}/webhooks/{webhook}/secret  404 403 ok  ok
    POST   projects/{project}/webhooks/{webhook}/ping    404 403 ok  ok
    GET    projects/{project}/webhooks/{webhook}/deliveries 404 403 ok ok
    POST   projects/{project}/webhooks/{webhook}/deliveries/{delivery}/redeliver 404 403 ok ok
    GET    projects/{project}/guidelines                 404 ok  ok  ok
    POST   projects/{project}/guideline-pictures         404 403 ok  ok
    GET    projects/{project}/guideline-pictures/{picture} 404 404 404 404
    DELETE projects/{project}/guideline-pictures/{picture} 404 403 ok ok
    GET    projects/{project}/images                     404 403 ok  ok
    POST   projects/{project}/images                     404 403 ok  ok
    POST   projects/{project}/assignments/next           404 ok  ok  ok
    GET    projects/{project}/throughput                 404 403 ok  ok
    GET    projects/{project}/throughput/{table}.csv     404 403 ok  ok
    GET    projects/{project}/statistics                 404 403 ok  ok
    GET    projects/{project}/statistics/{chart}.csv     404 403 ok  ok
    POST   projects/{project}/image-changes              404 403 ok  ok
    GET    images/{image}                                404 ok  ok  ok
    PATCH  images/{image}                                404 403 ok  ok
    DELETE images/{image}                                404 403 ok  ok
    GET    images/{image}/masks                          404 ok  ok  ok
    GET    images/{image}/file                           404 404 404 404
    GET    images/{image}/thumbnail                      404 404 404 404
    GET    images/{image}/tiles/0/0/0                    404 404 404 404
    GET    images/{image}/embedding/{encoder}            404 ok  ok  ok
    POST   images/{image}/embedding/{encoder}/crops      404 ok  ok  ok
    GET    images/{image}/embedding/{encoder}/crops/0_0_9_9 404 ok  ok  ok
    POST   images/{image}/decode                         404 ok  ok  ok
    GET    my-images                                     ok  ok  ok  ok
    GET    my-rating-studies                             ok  ok  ok  ok
    GET    assignments                                   ok  ok  ok  ok
    GET    assignments/{assignment}                      404 ok  404 404
    POST   assignments/{assignment}/renew                404 ok  404 404
    POST   assignments/{assignment}/submit               404 ok  404 404
    POST   assignments/{assignment}/skip                 404 ok  404 404
    POST   assignments/{assignment}/reopen               404 ok  404 404
    GET    assignments/{assignment}/practice             404 ok  404 404
    PUT    masks/{mask}                                  ok  ok  ok  ok
    DELETE masks/{mask}                                  404 ok  404 404
    POST   masks/{mask}/restore                          404 ok  404 404
    PUT    masks/{mask}/training-use                     404 403 ok  ok
    GET    masks/{mask}/reviews                          404 403 ok  ok
    POST   masks/{mask}/reviews                          404 403 ok  ok
    GET    masks/{mask}/correction                       404 403 ok  ok
    GET    projects/{project}/audits                     404 403 ok  ok
    POST   projects/{project}/audits                     404 403 ok  ok
    GET    audits/{audit}                                404 403 ok  ok
    GET    projects/{project}/rating-studies             404 403 ok  ok
    POST   projects/{project}/rating-studies             404 403 ok  ok
    GET    rating-studies/{study}                        404 403 ok  ok
    GET    rating-studies/{study}/ratings.csv            404 403 ok  ok
    GET    rating-studies/{study}/next                   404 ok  ok  ok
    PUT    rating-studies/{study}/ratings/{studied}      404 ok  ok  ok
    GET    projects/{project}/reference-scores           404 403 ok  ok
    GET    projects/{project}/my-reference-scores        404 ok  ok  ok
    GET    projects/{project}/agreement                  404 403 ok  ok
    GET    projects/{project}/agreement/pairs.csv        404 403 ok  ok
    GET    projects/{project}/agreement/weeks.csv        404 403 ok  ok
    GET    projects/{project}/mask-checks                404 403 ok  ok
    GET    projects/{project}/review-queue               404 403 ok  ok
    GET    projects/{project}/review-numbers             404 403 ok  ok
    GET    projects/{project}/review-numbers/people.csv  404 403 ok  ok
    POST   interactions                                  ok  ok  ok  ok
    GET    projects/{project}/image-counts               404 403 ok  ok
    GET    projects/{project}/rounds                     404 403 ok  ok
    POST   projects/{project}/rounds                     404 403 403 ok
    GET    projects/{project}/round-history              404 403 ok  ok
    GET    projects/{project}/round-schedule             404 403 ok  ok
    PUT    projects/{project}/round-schedule             404 403 403 ok
    GET    rounds/{round}                                404 403 ok  ok
    POST   rounds/{round}/cancel                         404 403 403 ok
    GET    projects/{project}/exports                    404 403 ok  ok
    POST   projects/{project}/exports                    404 403 ok  ok
    GET    projects/{project}/imports                    404 403 ok  ok
    POST   projects/{project}/imports                    404 403 ok  ok
    GET    projects/{project}/server-imports             404 403 403 ok
    POST   projects/{project}/server-imports             404 403 403 ok
    GET    imports/{import}                              404 403 ok  ok
    POST   imports/{import}/cancel                       404 403 ok  ok
    GET    exports/{export}                              404 403 ok  ok
    POST   exports/{export}/cancel                       404 403 ok  ok
    GET    exports/{export}/file                         404 403 ok  ok
    GET    models                                        403 403 403 ok
    GET    models/{model}                                ok  ok  ok  ok
    GET    models/{model}/files/manifest.json            404 404 404 404
    GET    models/{model}/comparison                     403 403 403 ok
    GET    model-comparisons                             403 403 403 ok
    POST   model-comparisons                             403 403 403 ok
    GET    model-comparisons/{comparison}                403 403 403 ok
    GET    model-comparisons/{comparison}/pictures/{sha256} 403 403 403 404
    GET    models/{model}/masks                          403 403 403 ok
    POST   models/{model}/promote                        403 403 403 ok
    GET    checkpoints                                   403 403 403 ok
    POST   checkpoints                                   403 403 403 ok
    GET    audit-log                                     403 403 403 ok
    GET    system                                        403 403 403 ok
    GET    jobs                                          403 403 403 ok
    POST   jobs/{job}/cancel                             403 403 403 ok
    """.strip().splitlines()
]

# Answers that need a body of their own to be meaningful; their scope is tested in their own files.
ANONYMOUS = {"POST session"}


def addresses() -> Iterator[tuple[str, set[str]]]:
    """(address with {places}, methods) of everything below /api/v1/."""

    def walk(
        patterns: list[URLPattern | URLResolver], prefix: str
    ) -> Iterator[tuple[str, set[str]]]:
        for pattern in patterns:
            whole = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, whole)
            elif whole.startswith("api/v1/"):
                view = getattr(pattern.callback, "cls", pattern.callback)
                found = {method for method in METHODS if hasattr(view, method.lower())}
                yield _simplified(whole.removeprefix("api/v1/")), found

    yield from walk(get_resolver().url_patterns, "")


def _simplified(address: str) -> str:
    address = address.replace("<int:level>/<int:column>/<int:row>", "0/0/0")
    address = address.replace("<str:encoder_fingerprint>", "{encoder}")
    address = address.replace("<int:x0>_<int:y0>_<int:x1>_<int:y1>", "0_0_9_9")
    address = address.replace("files/<str:name>", "files/manifest.json")
    return re.sub(r"<\w+:(\w+?)(_id)?>", r"{\1}", address)


def test_every_address_has_a_row() -> None:
    rows = {f"{one.method} {one.address}" for one in MATRIX} | ANONYMOUS
    routes = {f"{method} {address}" for address, methods in addresses() for method in methods}
    assert routes - rows == set(), "give each new address a row in MATRIX"
    assert rows - routes == set(), "these rows are about addresses that are gone"


@pytest.fixture
def places(cast: Cast) -> dict[str, str]:
    return make_places(cast)


@pytest.mark.parametrize("one", MATRIX, ids=lambda one: f"{one.method} {one.address}")
def test_each_person_gets_what_the_matrix_says(
    browser: Browsers, places: dict[str, str], one: Row
) -> None:
    path = one.address.format(**places)
    assert browser("nobody").send(one.method, path, {}).status_code in {401, 204}
    for name in ("mallory", "alice", "carol", "dan"):
        person = browser(name)
        with transaction.atomic():
            status = person.send(one.method, path, {}).status_code
            transaction.set_rollback(True)  # what one person did must not answer for the next
        expected = getattr(one, name)
        if expected == "ok":
            assert status < 500 and status not in {401, 403, 404}, (name, status)
        else:
            assert status == int(expected), (name, status)


@pytest.mark.parametrize("one", MATRIX, ids=lambda one: f"{one.method} {one.address}")
def test_methods_that_an_address_lacks_are_405(
    browser: Browsers, places: dict[str, str], one: Row
) -> None:
    known = next(methods for address, methods in addresses() if address == one.address)
    for method in set(METHODS) - known:
        reply = browser("dan").send(method, one.address.format(**places), {})
        assert reply.status_code == 405, method


def test_out_of_scope_and_unknown_are_the_same_answer(
    browser: Browsers, places: dict[str, str]
) -> None:
    unknown = {name: str(uuid.uuid4()) for name in places} | {"encoder": places["encoder"]}
    mallory = browser("mallory")
    for one in MATRIX:
        if one.mallory == "404":
            theirs = mallory.send(one.method, one.address.format(**places), {})
            nothing = mallory.send(one.method, one.address.format(**unknown), {})
            assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content)


THINGS = {"person", "invitation", "webhook", "delivery", "picture"}  # below a project


def test_a_thing_of_another_project_is_not_found_below_ones_own(
    browser: Browsers, cast: Cast, places: dict[str, str]
) -> None:
    """Mallory manages Elsewhere, and knows the ids of Harbour."""
    mixed = places | {"project": str(cast.elsewhere.id)}
    rows = [one for one in MATRIX if "{project}" in one.address and _names(one) & THINGS]
    assert set().union(*(_names(one) & THINGS for one in rows)) == THINGS
    for one in rows:
        path = one.address.format(**mixed)
        assert browser("mallory").send(one.method, path, {}).status_code == 404, one


def test_lists_that_are_for_everybody_hold_nothing_of_another_project(
    browser: Browsers, cast: Cast, places: dict[str, str]
) -> None:
    lists = [
        one.address
        for one in MATRIX
        if one.method == "GET" and one.mallory == "ok" and "{" not in one.address
    ]
    assert lists
    foreign = {*places.values(), cast.project.name, cast.alice.display_name}
    foreign -= {places["chart"], places["table"]}
    by_project = [f"{each}?project={cast.project.id}" for each in ("assignments", "my-images")]
    for address in (*lists, *by_project):
        told = browser("mallory").get(address).content.decode()
        assert not [each for each in foreign if each in told], address
    hers = browser("alice").get("projects").content.decode()
    assert cast.project.name in hers and cast.elsewhere.name not in hers


def _names(one: Row) -> set[str]:
    return set(re.findall(r"{(\w+)}", one.address))
