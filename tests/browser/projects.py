"""Projects of the browser tests: pictures like no other, a mask each, and a look at accessibility."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
MANY_PICTURES = """
    INSERT INTO annotator_picture (sha256, source_sha256, width, height, file_key, file_type, num_bytes,
                                   num_tile_levels, created_at)
    SELECT sha256, sha256, %s, %s, 'thumbnails/' || sha256 || '.jpg', 'image/jpeg', 1, 0, now()
    FROM unnest(%s) AS sha256 RETURNING sha256
"""
MANY_EMBEDDINGS = """
    INSERT INTO annotator_embedding (id, picture_id, crop, encoder_fingerprint, file_key, file_sha256, num_bytes,
                                     created_at, used_at)
    SELECT gen_random_uuid(), sha256, ARRAY[0, 0, %s, %s], encoder_fingerprint, '', '', 1, now(), now()
    FROM unnest(%s) AS sha256, (SELECT DISTINCT encoder_fingerprint FROM annotator_modelversion) AS encoders
    RETURNING id
"""
MANY_IMAGES = """
    INSERT INTO annotator_image (id, project_id, picture_id, name, order_index, held_out, is_reference, is_practice,
                                 created_at)
    SELECT gen_random_uuid(), %s, sha256, name, place, false, false, false, now()
    FROM unnest(%s, %s) WITH ORDINALITY AS made (sha256, name, place) RETURNING id
"""
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


def upload(product: LiveProduct, project: str, files: dict[str, bytes]) -> None:
    """The manager adds pictures, by the names that they get."""
    added = product.session("manager").upload(f"/api/v1/projects/{project}/images", files)
    assert added.status == 201, added.content


def add_many_images(product: LiveProduct, project: str, number: int) -> list[str]:
    """Images without masks, ready for annotators; returns their names, in order.

    Their rows are written and their thumbnails copied, so that nobody waits for the encoder.
    """
    names = [f"harbour-{place:03}.png" for place in range(number)]
    sha256s = [hashlib.sha256(f"{project} {name}".encode()).hexdigest() for name in names]
    thumbnails = Path(urlsplit(product.product.settings["STORAGE_URL"]).path) / "thumbnails"
    thumbnails.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    Image.open(io.BytesIO(scene(number))).save(out, "JPEG")
    for sha256 in sha256s:
        (thumbnails / f"{sha256}.jpg").write_bytes(out.getvalue())
    product.ask(MANY_PICTURES, WIDTH, HEIGHT, sha256s)
    product.ask(MANY_EMBEDDINGS, WIDTH, HEIGHT, sha256s)
    product.ask(MANY_IMAGES, project, sha256s, names)
    return names


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
