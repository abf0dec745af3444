"""The OpenAPI tells the truth: what each address answers has the shape that is written there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from tests.api.test_role_matrix import MATRIX, Row, places
from tests.cast import Browser

__all__ = ["places"]
Browsers = Callable[[str], Browser]
READ = [one for one in MATRIX if one.method == "GET" and "ok" in (one.carol, one.dan, one.alice)]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def strict(schema: Any) -> Any:
    """JSON schema of OpenAPI 3.0: null where it is allowed, and no name that is not told."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(value) for name, value in schema.items() if name != "nullable"}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") else found


def methods_of(schema: dict[str, Any], address: str) -> dict[str, Any]:
    """What the OpenAPI says of an address, by method in small letters."""
    wanted = re.sub(r"{\w+}", "{}", f"/api/v1/{address}")
    for path, methods in schema["paths"].items():
        pattern = re.escape(re.sub(r"{\w+}", "{}", path)).replace(r"\{\}", r"[^/]+")
        if re.fullmatch(pattern, wanted):
            return dict(methods)
    raise AssertionError(f"{address} is not in the OpenAPI")


@pytest.mark.parametrize("one", MATRIX, ids=lambda one: f"{one.method} {one.address}")
def test_every_address_is_written(schema: dict[str, Any], one: Row) -> None:
    assert one.method.lower() in methods_of(schema, one.address)


@pytest.mark.parametrize("one", READ, ids=lambda one: one.address)
def test_an_answer_has_the_shape_that_is_written(
    browser: Browsers, places: dict[str, str], schema: dict[str, Any], one: Row
) -> None:
    who = next(name for name in ("carol", "dan", "alice") if getattr(one, name) == "ok")
    reply = browser(who).get(one.address.format(**places))
    responses = methods_of(schema, one.address)["get"]["responses"]
    if reply.status_code != 200 or not reply.headers["Content-Type"].startswith("application/json"):
        return
    told = responses["200"].get("content", {}).get("application/json", {}).get("schema")
    assert told, "nothing is written about the answer"
    whole = strict({**told, "components": schema["components"]})
    errors = [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in Draft202012Validator(whole).iter_errors(reply.json())
    ]
    assert errors == []
