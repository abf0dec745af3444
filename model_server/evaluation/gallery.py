"""Single cases as pictures: the mask after some clicks, the clicks, and the reference."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from common.metrics import Click, Mask
from model_server.evaluation.clicking import CLICK_COUNTS
from model_server.evaluation.images import read_mask
from model_server.evaluation.results import ImageResult, MaskResult

SHOWN_COUNTS = (1, 3, 9)
PANEL_PX = 300  # longest side of a panel
MARGIN_SHARE = 0.35  # of the object's larger side, around it
MIN_SIDE_PX = 80  # of what is shown of a picture
FILM = (245, 170, 30)  # the mask
WHITE, BLACK = (255, 255, 255), (16, 20, 22)
JPEG_QUALITY = 82

Box = tuple[int, int, int, int]  # x0, y0, x1, y1, half-open


@dataclass(frozen=True)
class Case:
    """One reference mask of an evaluation."""

    result: ImageResult
    mask: MaskResult

    @property
    def score(self) -> float:
        """What cases are ordered by: the mean of the IoU after 1, 2, 3, 5 and 9 clicks."""
        return float(np.mean([self.mask.centre.iou_at(count) for count in CLICK_COUNTS]))

    @property
    def reference(self) -> Mask:
        """The reference mask [H, W]."""
        return self.result.image.masks()[self.result.image.numbers.index(self.mask.number)]


def choose_cases(results: Sequence[ImageResult], each: int) -> dict[str, list[Case]]:
    """The best, median and worst cases, best first; no image twice within a group.

    No case is in two groups: with few cases the median ones are the first to run out.
    """
    cases = [Case(result, mask) for result in results for mask in result.masks]
    cases.sort(key=lambda case: (-case.score, case.result.image.name, case.mask.number))
    best = first_of_images(cases, each)
    worst = first_of_images([case for case in cases[::-1] if case not in best], each)
    middle = len(cases) // 2
    by_distance = sorted(range(len(cases)), key=lambda i: (abs(i - middle), i))
    left = [cases[i] for i in by_distance if cases[i] not in best and cases[i] not in worst]
    groups = {"best": best, "median": first_of_images(left, each), "worst": worst}
    return {name: sorted(some, key=lambda case: -case.score) for name, some in groups.items()}


def first_of_images(cases: Sequence[Case], most: int) -> list[Case]:
    """The first cases, one of each image."""
    firsts: dict[str, Case] = {}
    for case in cases:
        firsts.setdefault(case.result.image.name, case)
    return list(firsts.values())[:most]


def draw_panels(case: Case) -> list[str]:
    """JPEGs as data URLs, one for each of SHOWN_COUNTS."""
    picture, reference, trace = case.result.image.picture(), case.reference, case.mask.centre
    window = window_around(reference, trace.clicks[: SHOWN_COUNTS[-1]])
    return [
        as_data_url(
            draw_panel(
                picture,
                read_mask(trace.counts_at[count], height=picture.shape[0], width=picture.shape[1]),
                reference,
                trace.clicks[:count],
                window,
            )
        )
        for count in SHOWN_COUNTS
    ]


def window_around(reference: Mask, clicks: Sequence[Click]) -> Box:
    """The part of a picture to show: the object and the clicks with some margin."""
    rows, columns = np.flatnonzero(reference.any(1)), np.flatnonzero(reference.any(0))
    xs = [columns[0], columns[-1] + 1, *(click.x for click in clicks)]
    ys = [rows[0], rows[-1] + 1, *(click.y for click in clicks)]
    margin = MARGIN_SHARE * max(columns.size, rows.size)
    x0, x1 = widened(min(xs) - margin, max(xs) + margin, reference.shape[1])
    y0, y1 = widened(min(ys) - margin, max(ys) + margin, reference.shape[0])
    return x0, y0, x1, y1


def widened(low: float, high: float, length: int) -> tuple[int, int]:
    """A stretch of at least MIN_SIDE_PX around the middle, within 0 to `length`."""
    more = max(0.0, (MIN_SIDE_PX - (high - low)) / 2)
    return max(0, int(low - more)), min(length, int(np.ceil(high + more)))


def draw_panel(
    picture: NDArray[np.uint8],
    mask: Mask,
    reference: Mask,
    clicks: Sequence[Click],
    window: Box,
    *,
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    """RGB [H, W, 3] with the mask as a film, the reference as a dashed line, clicks as + and −.

    `box` is a prompt, x0 y0 x1 y1 in image pixels.
    """
    x0, y0, x1, y1 = window
    scale = PANEL_PX / max(x1 - x0, y1 - y0)
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    part = Image.fromarray(picture[y0:y1, x0:x1]).resize(size, Image.Resampling.BICUBIC)
    drawn = np.asarray(part).astype(np.float64)
    inside, wanted = (enlarge(m[y0:y1, x0:x1], size) for m in (mask, reference))
    drawn[inside] = 0.55 * drawn[inside] + 0.45 * np.array(FILM)
    drawn[edge_of(inside)] = FILM
    rows, columns = np.indices(inside.shape)
    edge, is_dash = edge_of(wanted), (rows + columns) // 5 % 2 == 0
    drawn[edge & is_dash], drawn[edge & ~is_dash] = WHITE, BLACK
    panel = Image.fromarray(drawn.astype(np.uint8))
    pen = ImageDraw.Draw(panel)
    if box is not None:
        corners = [(side - (x0, y0)[axis % 2]) * scale for axis, side in enumerate(box)]
        pen.rectangle((corners[0], corners[1], corners[2], corners[3]), outline=WHITE, width=2)
    for click in clicks:
        draw_click(pen, (click.x + 0.5 - x0) * scale, (click.y + 0.5 - y0) * scale, click.label)
    return panel


def enlarge(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask at the `size` (width, height) of a panel."""
    enlarged: Mask = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    return enlarged


def edge_of(mask: Mask) -> Mask:
    """Pixels of a mask [H, W] within two pixels of what is not mask."""
    inner = mask.copy()
    for _ in range(2):
        padded = np.pad(inner, 1)
        inner &= padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def draw_click(pen: ImageDraw.ImageDraw, x: float, y: float, label: int) -> None:
    """A foreground click as + on white, a background click as − on black."""
    ground, ink = (WHITE, BLACK) if label else (BLACK, WHITE)
    pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill=ground, outline=ink, width=1)
    pen.line((x - 4, y, x + 4, y), fill=ink, width=2)
    if label:
        pen.line((x, y - 4, x, y + 4), fill=ink, width=2)


def as_data_url(panel: Image.Image) -> str:
    """A picture to be put into a page."""
    return "data:image/jpeg;base64," + base64.b64encode(as_jpeg(panel)).decode("ascii")


def as_jpeg(panel: Image.Image) -> bytes:
    """A picture as a file."""
    held = io.BytesIO()
    panel.save(held, "JPEG", quality=JPEG_QUALITY)
    return held.getvalue()
