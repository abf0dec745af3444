"""Picture files of every kind, made on the spot: right ones, odd ones, and traps."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def gradient(width: int = 61, height: int = 43) -> NDArray[np.uint8]:
    """RGB [height, width, 3] that no flip or turn maps onto itself."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // (width - 1), y * 255 // (height - 1), (x + 2 * y) % 256)
    return np.stack(channels, axis=-1).astype(np.uint8)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(width: int = 61, height: int = 43, *, seed: int = 0) -> bytes:
    pixels = gradient(width, height)
    pixels[0, 0] = (seed % 256, seed // 256, 7)
    return encoded(Image.fromarray(pixels), "PNG")


def jpeg(width: int = 61, height: int = 43, **options: object) -> bytes:
    return encoded(Image.fromarray(gradient(width, height)), "JPEG", quality=95, **options)


def rotated_jpeg() -> bytes:
    """61 x 43 pixels as stored, to be shown turned by a quarter: 43 x 61."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "secret place"
    return jpeg(exif=exif.tobytes())


def cmyk_jpeg() -> bytes:
    return encoded(Image.fromarray(gradient()).convert("CMYK"), "JPEG", quality=95)


def sixteen_bit_png() -> bytes:
    values = (gradient()[:, :, 0].astype(np.uint16) * 257).astype(np.uint16)
    return encoded(Image.fromarray(values), "PNG")


def half_transparent_png() -> bytes:
    alpha = np.zeros((43, 61), dtype=np.uint8)
    alpha[:, 30:] = 255
    return encoded(Image.fromarray(np.dstack([gradient(), alpha])), "PNG")


def palette_png() -> bytes:
    return encoded(Image.fromarray(gradient()).quantize(16), "PNG")


def one_bit_png() -> bytes:
    return encoded(Image.fromarray(gradient()).convert("1"), "PNG")


def grey_alpha_png() -> bytes:
    return encoded(Image.fromarray(gradient()).convert("LA"), "PNG")


def webp(*, lossless: bool = False) -> bytes:
    return encoded(Image.fromarray(gradient()), "WEBP", lossless=lossless, quality=90)


def animated_webp() -> bytes:
    first, second = Image.fromarray(gradient()), Image.fromarray(gradient()[::-1].copy())
    return encoded(first, "WEBP", save_all=True, append_images=[second])


def animated_png() -> bytes:
    first, second = Image.fromarray(gradient()), Image.fromarray(gradient()[::-1].copy())
    return encoded(first, "PNG", save_all=True, append_images=[second])


def gif() -> bytes:
    return encoded(Image.fromarray(gradient()).quantize(16), "GIF")


def hollow_png(width: int, height: int, *, rows: int = 0) -> bytes:
    """A well-formed PNG that promises `width` x `height` grey pixels and holds `rows` rows of them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(width + 1) * rows)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND")


def text_bomb_png() -> bytes:
    """A small picture with a text chunk that unpacks to 200 MB."""
    packed = zlib.compress(bytes(200_000_000))
    bomb = _chunk(b"zTXt", b"note\x00\x00" + packed)
    plain = png()
    return plain[:33] + bomb + plain[33:]


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
HTML = b"<!doctype html><script>alert(1)</script>"


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum
