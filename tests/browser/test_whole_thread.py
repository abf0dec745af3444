"""From an uploaded file to an exported mask, in a real browser, with the bundled weights.

The clicks are the standard simulation towards reference masks drawn by us, computed beforehand with
the same bundle under native onnxruntime; the browser must reach the same masks by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from common.manifest import Manifest
from common.metrics import Click, iou, next_click
from common.model_frame import (
    ModelFrame,
    frame_of,
    normalise_and_pad,
    prompt_arrays,
    upscale_logits,
)
from tests.live_product import LiveProduct
from tests.patience import LONG_MS, LONG_S, PATIENCE_S, drawn
from tests.reference_masks import REFERENCES, Reference

MAX_CLICKS = 8
DAB_PX = 14  # more than the radius of the brush at its first size
ENOUGH = 0.75
CUT_PX = (2, 3)  # rows and columns cut off, so that the pictures are new to the product
OpenPage = Callable[..., Page]
Mask = NDArray[np.bool_]

THINGS = ("mission patch", "bowl of the spoon", "fundus")  # two clicks, six, one


@dataclass(frozen=True)
class Subject:
    """One photograph to upload, its reference mask, and the clicks that reach it."""

    path: Path
    reference: Mask
    clicks: tuple[Click, ...]
    expected: Mask


class NativeModel:
    """The bundle's graphs under native onnxruntime: an annotator's browser in Python."""

    def __init__(self, bundle: Path) -> None:
        self.manifest = Manifest.from_json((bundle / "manifest.json").read_text())
        self.graphs = {
            name: onnxruntime.InferenceSession(bundle / f"{name}.onnx")
            for name in ("encoder", "prepare", "decode", "refine")
        }

    def click_until(self, pixels: NDArray[np.uint8], reference: Mask) -> Subject:
        """Simulate clicks until the mask is good enough, with some room, or eight are spent."""
        height, width = reference.shape
        frame = frame_of(
            width=width,
            height=height,
            input_size=self.manifest.input_size,
            low_res_size=self.manifest.low_res,
        )
        prepared = self.prepare(pixels, frame)
        mask, previous, clicks = np.zeros_like(reference), None, []
        while len(clicks) < MAX_CLICKS and iou(mask, reference) < ENOUGH + 0.05:
            click = next_click(mask, reference, clicks)
            assert click is not None
            clicks.append(click)
            previous = self.decode(prepared, clicks, previous, frame)
            mask = upscale_logits(previous, frame) > 0
        return Subject(Path(), reference, tuple(clicks), mask)

    def prepare(self, pixels: NDArray[np.uint8], frame: ModelFrame) -> dict[str, Any]:
        picture = Image.fromarray(pixels).resize(
            (frame.new_width, frame.new_height), Image.Resampling.BILINEAR
        )
        encoded = normalise_and_pad(np.asarray(picture), frame)[None]
        [embedding] = self.graphs["encoder"].run(None, {"image": encoded})
        embedding = embedding.astype(np.float16).astype(np.float32)  # as it travels
        names = self.manifest.prepared
        tensors = self.graphs["prepare"].run(list(names), {"image_embeddings": embedding})
        return dict(zip(names, tensors, strict=True))

    def decode(
        self,
        prepared: dict[str, Any],
        clicks: list[Click],
        previous: NDArray[np.float32] | None,
        frame: ModelFrame,
    ) -> NDArray[np.float32]:
        """Low-res logits of the mask the page would show first."""
        coords, labels = prompt_arrays(
            points=np.array([[float(click.x), float(click.y)] for click in clicks]),
            labels=np.array([float(click.label) for click in clicks]),
            box=None,
            frame=frame,
        )
        inputs = prepared | {"point_coords": coords[None], "point_labels": labels[None]}
        graph = "decode"
        if previous is not None:
            graph, inputs["mask_input"] = "refine", previous[None, None]
        asked = {entry.name for entry in self.graphs[graph].get_inputs()}
        masks, ious = self.graphs[graph].run(
            ["low_res_masks", "iou_predictions"],
            {name: tensor for name, tensor in inputs.items() if name in asked},
        )
        token = 1 + int(ious[0, 1:].argmax()) if len(clicks) == 1 else 0
        chosen: NDArray[np.float32] = masks[0, token]
        return chosen


@pytest.fixture(scope="module")
def subjects(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Subject]:
    """Three photographs, cut a little so that nothing of them is known yet."""
    folder = tmp_path_factory.mktemp("photographs")
    model = NativeModel(bundle)
    made = []
    for reference in REFERENCES:
        if reference.thing in THINGS:
            made.append(_subject(model, reference, folder))
    assert len(made) == len(THINGS)
    return made


def _subject(model: NativeModel, reference: Reference, folder: Path) -> Subject:
    top, left = CUT_PX
    with Image.open(reference.path) as photograph:
        pixels = np.asarray(photograph.convert("RGB"))[top:, left:]
    path = folder / f"{reference.path.stem}.png"
    Image.fromarray(pixels).save(path)
    planned = model.click_until(pixels, reference.mask()[top:, left:])
    return Subject(path, planned.reference, planned.clicks, planned.expected)


@dataclass
class Bench:
    """The workbench page, addressed in image pixels."""

    page: Page

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where an image pixel's centre lies on the screen."""
        stage = self.page.locator("#stage")
        box = stage.bounding_box()
        view = stage.get_attribute("data-view")
        assert box is not None and view is not None
        scale, left, top = (float(part) for part in view.split())
        return box["x"] + left + (x + 0.5) * scale, box["y"] + top + (y + 0.5) * scale

    def click(self, click: Click) -> None:
        """Click a pixel and wait until the model has answered it."""
        self.page.mouse.move(*self.place(click.x, click.y))
        self.page.mouse.click(
            *self.place(click.x, click.y), button="left" if click.label else "right"
        )
        drawn(self.page)
        expect(self.page.locator("#stage")).to_have_attribute("aria-busy", "false")

    def expect_saved(self, rows: int) -> None:
        drawn(self.page)
        expect(self.page.locator(".mask-row")).to_have_count(rows)
        expect(self.page.locator(".bar-chip[data-kind=saved]")).to_be_visible(timeout=30_000)


def test_from_upload_to_export_within_eight_clicks_on_three_photographs(
    product: LiveProduct, open_page: OpenPage, subjects: list[Subject], tmp_path: Path
) -> None:
    project = _new_project(product)
    _upload_on_the_page(open_page, project, subjects)
    _wait_for_embeddings(product, project, len(subjects))

    page = open_page("annotator", "/", viewport={"width": 1280, "height": 900})
    page.goto(f"/projects/{project}/annotate")
    bench = Bench(page)
    by_name = {subject.path.name: subject for subject in subjects}
    for _ in subjects:
        name = _annotate(bench, by_name)
        subject = by_name.pop(name)
        assert len(subject.clicks) <= MAX_CLICKS
    assert by_name == {}

    coco = _export(product, project, tmp_path)
    for subject in subjects:
        _check_exported(coco, subject)


def _new_project(product: LiveProduct) -> str:
    """A project of the manager's with the annotator in it."""
    manager = product.session("manager")
    made = manager.post("/api/v1/projects", {"name": f"Whole thread {uuid4().hex[:6]}"})
    assert made.status == 201, made.content
    project = str(made.json()["id"])
    joined = manager.post(
        f"/api/v1/projects/{project}/members", {"name": "annotator", "role": "annotator"}
    )
    assert joined.status == 200, joined.content
    return project


def _upload_on_the_page(open_page: OpenPage, project: str, subjects: list[Subject]) -> None:
    page = open_page("manager", f"/projects/{project}/images")
    page.locator("input[type=file]").first.set_input_files(
        [str(subject.path) for subject in subjects]
    )
    for subject in subjects:
        expect(page.get_by_text(subject.path.name).first).to_be_visible(timeout=LONG_MS)


def _wait_for_embeddings(product: LiveProduct, project: str, wanted: int) -> None:
    def ready() -> bool:
        reply = product.session("manager").get(f"/api/v1/projects/{project}/images").json()
        return sum(image["embedding"] == "ready" for image in reply["images"]) == wanted

    product.wait_for(ready, LONG_S, "the embeddings of the uploaded photographs")


def _annotate(bench: Bench, by_name: dict[str, Subject]) -> str:
    """Make the mask of the image on the page, paint two pixels of it, accept, submit; its name."""
    page = bench.page
    expect(page.locator("#screen")).to_be_hidden(timeout=LONG_MS)
    expect(page.locator(".bar-model[data-kind=ready]")).to_have_count(1, timeout=LONG_MS)
    name = page.locator(".bar-image").inner_text()
    for click in by_name[name].clicks:
        bench.click(click)
    page.keyboard.press("b")
    page.mouse.click(*bench.place(*_painted_at(by_name[name])))
    page.keyboard.press("Enter")
    bench.expect_saved(1)
    page.keyboard.press("s")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(name)).to_have_count(0)
    return name


def _painted_at(subject: Subject) -> tuple[int, int]:
    """The first clicked pixel: painting there must never leave the object."""
    return subject.clicks[0].x, subject.clicks[0].y


def _export(product: LiveProduct, project: str, folder: Path) -> COCO:
    manager = product.session("manager")
    asked = manager.post(f"/api/v1/projects/{project}/exports", {"format": "coco"})
    assert asked.status == 202, asked.content
    export = asked.json()["id"]
    product.wait_for(
        lambda: manager.get(f"/api/v1/exports/{export}").json()["state"] == "done",
        PATIENCE_S,
        "the export",
    )
    path = folder / "export.json"
    path.write_bytes(manager.get(f"/api/v1/exports/{export}/file").content)
    json.loads(path.read_text())
    return COCO(str(path))


def _check_exported(coco: COCO, subject: Subject) -> None:
    """The exported mask is good against our reference and equal to what Python foresaw."""
    [image] = [row for row in coco.dataset["images"] if row["name"] == subject.path.name]
    [annotation] = coco.imgToAnns[image["id"]]
    exported = coco_mask.decode(annotation["segmentation"]).astype(bool)
    assert exported.shape == subject.reference.shape
    assert iou(exported, subject.reference) >= ENOUGH, subject.path.name
    x, y = _painted_at(subject)
    assert exported[y, x]
    foreseen, answered = subject.expected.copy(), exported.copy()
    for mask in (foreseen, answered):  # the dab of the brush is not the model's
        mask[max(0, y - DAB_PX) : y + DAB_PX, max(0, x - DAB_PX) : x + DAB_PX] = False
    assert iou(answered, foreseen) >= 0.95, subject.path.name
