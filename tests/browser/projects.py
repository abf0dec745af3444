"""Projects of the browser tests: pictures like no other, a mask each, and a look at accessibility."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from common import rle
from launcher.places import CHECKOUT
from tests.live_product import LiveProduct
from tests.patience import LONG_S

WIDTH, HEIGHT = 173, 121
CLICK = {"kind": "point", "x": 60, "y": 70, "label": 1}
AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"


def scene(seed: int) -> bytes:
    """A PNG that is like no other: a bright slope with a dark ellipse."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([90 + rows, 40 + columns, np.full_like(rows, 150)], axis=-1)
    inside = ((columns - 60) / 34) ** 2 + ((rows - 70) / 21) ** 2 < 1
    pixels[inside] = [30, 20, 60]
    noisy = np.clip(pixels + rng.integers(-6, 7, pixels.shape), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "PNG")
    return out.getvalue()


def ellipse() -> NDArray[np.bool_]:
    """The scene's ellipse, cut so that it is not symmetric."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ellipse: NDArray[np.bool_] = ((columns - 60) / 34) ** 2 + ((rows - 70) / 21) ** 2 < 1
    return ellipse & (columns + rows < 150)


def new_project(product: LiveProduct) -> str:
    """A project of the manager's with the annotator in it; returns its id."""
    manager = product.session("manager")
    about = {"name": f"Pages {uuid.uuid4().hex[:8]}", "held_out_percent": 0}
    made = manager.post("/api/v1/projects", about)
    assert made.status == 201, made.content
    project = str(made.json()["id"])
    added = manager.post(
        f"/api/v1/projects/{project}/members", {"name": "annotator", "role": "annotator"}
    )
    assert added.status == 200, added.content
    return project


def accept_a_mask(
    product: LiveProduct, project: str, *, pixels: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """The annotator takes the next image and accepts one mask in it; returns the assignment."""
    assignment = take_an_image(product, project)
    put_mask(product, assignment, ellipse() if pixels is None else pixels)
    return assignment


def take_an_image(
    product: LiveProduct, project: str, *, person: str = "annotator"
) -> dict[str, Any]:
    """The person's next image, when it is ready; returns the assignment."""
    annotator = product.session(person)
    path = f"/api/v1/projects/{project}/assignments/next"
    product.wait_for(lambda: annotator.post(path, {"ahead": 0}).status == 200, LONG_S, "an image")
    assignment: dict[str, Any] = annotator.post(path, {"ahead": 0}).json()["assignment"]
    return assignment


def put_mask(
    product: LiveProduct,
    assignment: dict[str, Any],
    pixels: NDArray[np.bool_],
    *,
    order_index: int = 0,
    person: str = "annotator",
    prompts: Sequence[dict[str, Any]] = (CLICK,),
) -> None:
    """The person accepts a mask in an image that is lent."""
    body = {
        "save_id": str(uuid.uuid4()),
        "image": assignment["image"]["id"],
        "assignment": assignment["id"],
        "state": "accepted",
        "rle": {"size": [HEIGHT, WIDTH], "counts": rle.encode(pixels)},
        "model_version": assignment["model"]["id"],
        "predicted_iou": 0.9,
        "order_index": order_index,
        "prompts": list(prompts),
        "given_up": False,
    }
    saved = product.session(person).request(
        "PUT", f"/api/v1/masks/{uuid.uuid4()}", body, headers={"If-None-Match": "*"}
    )
    assert saved.status == 201, saved.content


def accessibility_problems(page: Page) -> list[tuple[str, list[Any]]]:
    """What axe finds wrong by WCAG 2.2 AA: the rule and where."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
