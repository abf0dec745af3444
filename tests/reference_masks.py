"""Reference masks drawn by us, by hand, over public-domain photographs that scikit-image installs.

Outlines are polygons and ellipses in image pixels; nothing of the photographs is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Reference:
    """One object: the photograph's file name, what it is, and its outline or its ellipse's box (xyxy)."""

    photograph: str
    thing: str
    outline: Outline = ()
    ellipse: tuple[float, float, float, float] | None = None

    @property
    def path(self) -> Path:
        return Path(skimage.__file__).parent / "data" / self.photograph

    def mask(self) -> np.ndarray:
        """Boolean [height, width] of the photograph's own size."""
        with Image.open(self.path) as photograph:
            canvas = Image.new("1", photograph.size)
        draw = ImageDraw.Draw(canvas)
        if self.ellipse is not None:
            draw.ellipse(self.ellipse, fill=1)
        else:
            draw.polygon([tuple(point) for point in self.outline], fill=1)
        return np.asarray(canvas)


HEAD: Outline = (
    (153.5, 70), (156, 50), (175, 37), (190, 32), (210, 19), (235, 16), (260, 21), (280, 35),
    (292, 52), (301, 80), (300, 100), (292, 117), (280, 129), (269, 137), (265, 145), (257, 170),
    (252, 186), (235, 191), (215, 187), (195, 177), (186, 160), (182, 131), (174, 127), (160, 112),
    (154, 87),
)  # fmt: skip
ROCKET: Outline = (
    (323, 126), (330, 136), (334, 150), (334, 178), (332, 180), (332, 404), (314, 404), (312, 180),
    (311, 178), (311, 150), (316, 135),
)  # fmt: skip

REFERENCES = (
    Reference("astronaut.png", "mission patch", ellipse=(134, 349, 207, 422)),
    Reference("astronaut.png", "head", outline=HEAD),
    Reference("coffee.png", "bowl of the spoon", ellipse=(327, 238, 405, 325)),
    Reference("rocket.jpg", "rocket", outline=ROCKET),
    Reference("chelsea.png", "left eye", ellipse=(136, 86, 205, 147)),
    Reference("coffee.png", "rim of the cup", ellipse=(173, 20, 407, 208)),
    Reference("retina.jpg", "fundus", ellipse=(18, 18, 1393, 1393)),
    Reference("coins.png", "coin, first row, first", ellipse=(23, 34, 66, 74)),
    Reference("coins.png", "coin, first row, last", ellipse=(305, 16, 364, 72)),
    Reference("coins.png", "coin, third row, last", ellipse=(315, 156, 379, 218)),
)
