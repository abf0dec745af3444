"""What the bounded child (`picture_forks`) does with one untrusted picture.

It knows neither Django nor the database, and writes into one folder: `picture.jpg|png` (normalised),
`thumbnail.jpg` and `tiles/<level>/<col>_<row>.jpg`.

Normalisation: content decides the type (JPEG, PNG, WEBP); EXIF rotation is applied; grey, palette, CMYK,
alpha and 16-bit become 8-bit RGB (alpha over white, 16-bit divided by 257 and rounded); colour profiles and
all other metadata are dropped. Lossy sources become JPEG (quality 95, 4:4:4), others PNG.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import ExifTags, Image, ImageOps

MAX_PIXELS = 100_000_000
MAX_SIDE = 20_000
MIN_SIDE = 16
MAX_ASPECT = 40
THUMBNAIL_SIDE = 320
TILED_ABOVE = 4096
TILE_SIDE = 512
LEVELS_UNTIL = 1024
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class RefusedPicture(Exception):
    """A picture that is not accepted; `code` is a stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Report:
    """What the child made of a picture: sizes in pixels after normalisation; or why it was refused."""

    width: int = 0
    height: int = 0
    file_name: str = ""
    file_type: str = ""
    num_tile_levels: int = 0
    orientation: int = 1  # EXIF's 1 to 8, undone by the normalisation
    refused_code: str = ""
    refused_message: str = ""


def read_picture(*, source: Path, folder: Path) -> Report:
    """Normalises `source` into `folder`; a refusal is a report too."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        return _normalise(source, folder)
    except RefusedPicture as refused:
        return Report(refused_code=refused.code, refused_message=refused.message)
    except MemoryError:
        return Report(
            refused_code="too_costly", refused_message="Reading it takes too much memory."
        )
    except Exception as error:  # the decoder met bytes of a stranger: any failure is a refusal
        text = f"The picture is damaged or not supported ({type(error).__name__})."
        return Report(refused_code="damaged", refused_message=text)


def check_size(width: int, height: int) -> None:
    """Raises `RefusedPicture` for sizes (pixels) outside the limits; asked before any pixel is decoded."""
    longest, shortest = max(width, height), min(width, height)
    if shortest < MIN_SIDE:
        raise RefusedPicture(
            "too_small", f"{width}x{height}: the shortest side is under {MIN_SIDE}."
        )
    if longest > MAX_SIDE:
        raise RefusedPicture("too_large", f"{width}x{height}: the longest side is over {MAX_SIDE}.")
    if width * height > MAX_PIXELS:
        raise RefusedPicture("too_large", f"{width}x{height} is more than {MAX_PIXELS:,} pixels.")
    if longest > MAX_ASPECT * shortest:
        raise RefusedPicture("too_narrow", f"{width}x{height} is narrower than 1:{MAX_ASPECT}.")


def tile_level_sizes(width: int, height: int) -> list[tuple[int, int]]:
    """(width, height) of each level of the tile pyramid, level 0 at full size, each next one half."""
    if max(width, height) <= TILED_ABOVE:
        return []
    sizes = [(width, height)]
    while max(sizes[-1]) > LEVELS_UNTIL:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def _normalise(source: Path, folder: Path) -> Report:
    try:
        picture = Image.open(source, formats=("JPEG", "PNG", "WEBP"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedPicture("too_large", f"More than {MAX_PIXELS:,} pixels.") from error
    except OSError as error:
        raise RefusedPicture(
            "wrong_type", "Only JPEG, PNG and WEBP pictures are accepted."
        ) from error
    check_size(*picture.size)
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        raise RefusedPicture("animated", "Only still pictures are accepted.")
    if picture.format == "PNG":
        check_png(source.read_bytes())
    is_lossy = picture.format in {"JPEG", "MPO"} or _is_lossy_webp(source)
    picture.load()
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    upright = _to_rgb(ImageOps.exif_transpose(picture))
    picture.close()
    written = _write(upright, folder, is_lossy=is_lossy)
    return replace(written, orientation=orientation if orientation in range(1, 9) else 1)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        wide = picture.convert("I")
        return wide.point(lambda value: value * (1 / 257) + 0.5).convert("L").convert("RGB")
    if picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        white = Image.new("RGB", coloured.size, (255, 255, 255))
        white.paste(coloured, mask=coloured.getchannel("A"))
        return white
    return picture.convert("RGB")


def _is_lossy_webp(source: Path) -> bool:
    with source.open("rb") as file:
        head = file.read(16)
        if head[:4] != b"RIFF":
            return False
        if head[12:16] == b"VP8X":
            return b"VP8 " in head[12:] + file.read()
        return head[12:16] == b"VP8 "


def check_png(content: bytes) -> None:
    """Raises `RefusedPicture` unless every row is there: Pillow fills missing rows with black.

    The chunks are walked with their checksums, and the compressed rows are unpacked block by block, to
    compare their length with what the header promises (PNG specification, sections 5 and 7).
    """
    width, height, depth, colour, interlaced = 0, 0, 0, 0, 0
    inflate, unpacked, position, ended = zlib.decompressobj(), 0, len(PNG_SIGNATURE), False
    while position + 12 <= len(content) and not ended:
        length = int.from_bytes(content[position : position + 4])
        kind = content[position + 4 : position + 8]
        if position + 12 + length > len(content):
            break
        body = content[position + 8 : position + 8 + length]
        checksum = content[position + 8 + length : position + 12 + length]
        if zlib.crc32(kind + body).to_bytes(4) != checksum:
            raise RefusedPicture("damaged", f"The PNG chunk {kind!r} has a wrong checksum.")
        if kind == b"IHDR":
            width, height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
            depth, colour, interlaced = body[8], body[9], body[12]
        elif kind == b"IDAT":
            unpacked += _unpacked_length(inflate, body)
        ended = kind == b"IEND"
        position += 12 + length
    if not ended or unpacked < _png_rows_length(width, height, depth, colour, interlaced):
        raise RefusedPicture("truncated", "The PNG ends before its last row.")


def _unpacked_length(inflate: zlib._Decompress, packed: bytes) -> int:
    total = 0
    while packed:
        total += len(inflate.decompress(packed, 1 << 20))
        packed = inflate.unconsumed_tail
    return total


def _png_rows_length(width: int, height: int, depth: int, colour: int, interlaced: int) -> int:
    bits = depth * PNG_CHANNELS[colour]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for x0, y0, dx, dy in passes:
        columns, rows = -(-(width - x0) // dx), -(-(height - y0) // dy)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _write(picture: Image.Image, folder: Path, *, is_lossy: bool) -> Report:
    width, height = picture.size
    name = "picture.jpg" if is_lossy else "picture.png"
    if is_lossy:
        picture.save(folder / name, "JPEG", quality=95, subsampling=0)
    else:
        picture.save(folder / name, "PNG", compress_level=4)
    thumbnail = picture.copy() if max(picture.size) <= THUMBNAIL_SIDE else _shrink(picture)
    thumbnail.save(folder / "thumbnail.jpg", "JPEG", quality=85)
    levels = tile_level_sizes(width, height)
    for level, size in enumerate(levels):
        picture = picture if level == 0 else picture.resize(size, Image.Resampling.BOX)
        _write_tiles(picture, folder / "tiles" / str(level))
    return Report(
        width=width,
        height=height,
        file_name=name,
        file_type="image/jpeg" if is_lossy else "image/png",
        num_tile_levels=len(levels),
    )


def _shrink(picture: Image.Image) -> Image.Image:
    scale = THUMBNAIL_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _write_tiles(picture: Image.Image, folder: Path) -> None:
    folder.mkdir(parents=True)
    for row in range(0, picture.height, TILE_SIDE):
        for column in range(0, picture.width, TILE_SIDE):
            corner = (min(column + TILE_SIDE, picture.width), min(row + TILE_SIDE, picture.height))
            tile = picture.crop((column, row, *corner))
            tile.save(folder / f"{column // TILE_SIDE}_{row // TILE_SIDE}.jpg", "JPEG", quality=90)
