"""How a training sample may differ from its picture: where it is looked at, and what it looks like."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

FILL = (124, 116, 104)  # RGB close to the mean, so that padding is near 0 once normalised
BLUR_RADIUS = (0.3, 1.5)  # pixels of the model frame
JPEG_QUALITY = (25, 85)
NOISE_LEVEL = (2.0, 12.0)  # standard deviation, of 255


@dataclass(frozen=True)
class Augmentation:
    """Shares are of the samples; the ones that are 0 are off, as all are in the paper."""

    min_scale: float = 0.6  # of the longest side relative to the model frame
    max_scale: float = 2.2
    flip_share: float = 0.5
    colour_strength: float = 0.4  # brightness, contrast, saturation within 1 +- this
    grey_share: float = 0.05
    upside_down_share: float = 0.0
    max_rotation: float = 0.0  # degrees, either way
    blur_share: float = 0.0
    jpeg_share: float = 0.0
    noise_share: float = 0.0
    paste_share: float = 0.0  # an object of another picture is pasted over this one


@dataclass(frozen=True)
class Window:
    """The square of a picture that fills the model frame, in picture pixels."""

    left: float
    top: float
    side: float
    degrees: float = 0.0  # the content is turned around its middle

    @classmethod
    def whole(cls, width: int, height: int) -> "Window":
        """All of a picture, as at inference."""
        return cls(0.0, 0.0, float(max(width, height)))

    @classmethod
    def drawn(
        cls, width: int, height: int, augmentation: Augmentation, rng: np.random.Generator
    ) -> "Window":
        """Large-scale jitter, and a small rotation where the augmentation has one."""
        low, high = np.log(augmentation.min_scale), np.log(augmentation.max_scale)
        side = max(width, height) / float(np.exp(rng.uniform(low, high)))
        left = rng.uniform(0, max(0.0, width - side))
        top = rng.uniform(0, max(0.0, height - side))
        turn = augmentation.max_rotation
        return cls(left, top, side, rng.uniform(-turn, turn) if turn else 0.0)

    def place(self, picture: Image.Image, size: int) -> NDArray[np.uint8]:
        """Resize the window of a picture to [size, size(, 3)], padded on the right and below."""
        scale = size / self.side
        right = min(self.left + self.side, picture.width)
        bottom = min(self.top + self.side, picture.height)
        width = max(1, min(size, round((right - self.left) * scale)))
        height = max(1, min(size, round((bottom - self.top) * scale)))
        rgb = picture.mode == "RGB"
        filter_ = Image.Resampling.BILINEAR if rgb else Image.Resampling.BOX
        part = picture.resize((width, height), filter_, box=(self.left, self.top, right, bottom))
        fill = FILL if rgb else 0
        canvas = Image.new(picture.mode, (size, size), fill)
        canvas.paste(part, (0, 0))
        if self.degrees:
            middle = ((right - self.left) * scale / 2, (bottom - self.top) * scale / 2)
            bilinear = Image.Resampling.BILINEAR
            canvas = canvas.rotate(self.degrees, bilinear, center=middle, fillcolor=fill)
        return np.asarray(canvas)


def change_look(
    pixels: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change colours, sharpness, compression and noise of RGB [H, W, 3] at random."""
    picture = Image.fromarray(pixels)
    strength = augmentation.colour_strength
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhancer(picture).enhance(float(rng.uniform(1 - strength, 1 + strength)))
    if rng.random() < augmentation.grey_share:
        picture = picture.convert("L").convert("RGB")
    if happens(augmentation.blur_share, rng):
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(*BLUR_RADIUS)))
    if happens(augmentation.noise_share, rng):
        picture = add_noise(picture, rng.uniform(*NOISE_LEVEL), rng)
    if happens(augmentation.jpeg_share, rng):
        picture = compress(picture, int(rng.integers(*JPEG_QUALITY)))
    return np.asarray(picture)


def happens(share: float, rng: np.random.Generator) -> bool:
    """True with probability `share`; draws nothing when that is 0, so that other draws stay put."""
    return share > 0 and rng.random() < share


def add_noise(picture: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Add Gaussian noise of a standard deviation to each channel of each pixel."""
    noisy = np.asarray(picture) + rng.normal(0, level, (picture.height, picture.width, 3))
    return Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def compress(picture: Image.Image, quality: int) -> Image.Image:
    """What JPEG leaves of a picture."""
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")
