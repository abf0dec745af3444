"""Untrusted pictures: normalised by fixed rules, or refused quickly, in little memory, leaving nothing."""

from __future__ import annotations

import io
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from annotator.errors import DomainError
from annotator.models import Picture
from annotator.services.picture_processes import PictureReader
from annotator.services.picture_reader import check_size, read_picture, tile_level_sizes
from annotator.services.pictures import store_picture
from tests import pictures


def _read(tmp_path: Path, content: bytes) -> tuple[str, Image.Image | None]:
    """(refusal or "", normalised picture) of the reader itself, without the child process."""
    source, folder = tmp_path / "source", tmp_path / "out"
    source.write_bytes(content)
    folder.mkdir()
    report = read_picture(source=source, folder=folder)
    if report.refused_code:
        assert not [path for path in folder.iterdir() if path.name != "report.json"]
        return report.refused_code, None
    picture = Image.open(io.BytesIO((folder / report.file_name).read_bytes()))
    assert picture.size == (report.width, report.height)
    assert picture.mode == "RGB"
    assert picture.get_format_mimetype() == report.file_type
    assert max(Image.open(folder / "thumbnail.jpg").size) <= 320
    return "", picture


def _pixels(picture: Image.Image | None) -> np.ndarray:
    assert picture is not None
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pictures.png, "PNG"),
        (pictures.jpeg, "JPEG"),
        (pictures.cmyk_jpeg, "JPEG"),
        (pictures.palette_png, "PNG"),
        (pictures.one_bit_png, "PNG"),
        (pictures.grey_alpha_png, "PNG"),
        (pictures.sixteen_bit_png, "PNG"),
        (pictures.webp, "JPEG"),
        (lambda: pictures.webp(lossless=True), "PNG"),
    ],
)
def test_every_kind_becomes_rgb_of_the_right_file_type(
    tmp_path: Path, make: Callable[[], bytes], kind: str
) -> None:
    refused, picture = _read(tmp_path, make())
    assert refused == "" and picture is not None
    assert (picture.format, picture.size) == (kind, (61, 43))


def test_a_lossless_picture_keeps_its_pixels(tmp_path: Path) -> None:
    _, picture = _read(tmp_path, pictures.webp(lossless=True))
    assert np.array_equal(_pixels(picture), pictures.gradient())


def test_exif_rotation_is_applied_and_all_metadata_dropped(tmp_path: Path) -> None:
    content = pictures.rotated_jpeg()
    _, picture = _read(tmp_path, content)
    assert picture is not None and picture.size == (43, 61)
    assert b"secret place" in content
    assert b"secret place" not in (tmp_path / "out" / "picture.jpg").read_bytes()
    assert not picture.getexif()
    turned = np.rot90(pictures.gradient(), k=-1).astype(int)
    assert np.abs(_pixels(picture) - turned).mean() < 6


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    _, picture = _read(tmp_path, pictures.sixteen_bit_png())
    assert np.array_equal(_pixels(picture)[:, :, 0], pictures.gradient()[:, :, 0])


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    _, picture = _read(tmp_path, pictures.half_transparent_png())
    pixels = _pixels(picture)
    assert (pixels[:, :30] == 255).all()
    assert np.array_equal(pixels[:, 30:], pictures.gradient()[:, 30:])


def test_cmyk_keeps_its_colours(tmp_path: Path) -> None:
    _, picture = _read(tmp_path, pictures.cmyk_jpeg())
    assert np.abs(_pixels(picture) - pictures.gradient()).mean() < 12


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "an SVG": (lambda: pictures.SVG, "wrong_type"),
    "a page": (lambda: pictures.HTML, "wrong_type"),
    "a GIF": (pictures.gif, "wrong_type"),
    "noise": (lambda: bytes(range(256)) * 40, "wrong_type"),
    "an animated WEBP": (pictures.animated_webp, "animated"),
    "an animated PNG": (pictures.animated_png, "animated"),
    "half a JPEG": (lambda: pictures.jpeg()[:900], "damaged"),
    "half a PNG": (lambda: pictures.png()[: len(pictures.png()) // 2], "truncated"),
    "a PNG with a tenth of its rows": (lambda: pictures.hollow_png(200, 100, rows=10), "truncated"),
    "a PNG with a flipped bit": (lambda: _flipped(pictures.png()), "damaged"),
    "a line of a hundred million pixels": (
        lambda: pictures.hollow_png(1, 100_000_000),
        "too_small",
    ),
    "sixteen times two million": (lambda: pictures.hollow_png(16, 2_000_000), "too_large"),
    "ten thousand and one squared": (lambda: pictures.hollow_png(10_001, 10_001), "too_large"),
    "a ribbon": (lambda: pictures.hollow_png(16, 700), "too_narrow"),
    "fifteen pixels high": (lambda: pictures.png(61, 15), "too_small"),
    "a text bomb": (pictures.text_bomb_png, "damaged"),
}


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_has_its_reason(tmp_path: Path, kind: str) -> None:
    make, code = REFUSED[kind]
    refused, _ = _read(tmp_path, make())
    assert refused == code


@pytest.mark.parametrize("size", [(16, 16), (20_000, 5_000), (640, 16), (10_000, 10_000)])
def test_sizes_at_the_limit_are_accepted(size: tuple[int, int]) -> None:
    check_size(*size)


def test_large_pictures_get_a_tile_pyramid(tmp_path: Path) -> None:
    assert tile_level_sizes(4096, 4096) == []
    assert tile_level_sizes(4097, 301) == [(4097, 301), (2049, 151), (1025, 76), (513, 38)]
    refused, _ = _read(tmp_path, pictures.jpeg(4097, 301))
    assert refused == ""
    tiles = sorted((tmp_path / "out" / "tiles" / "0").iterdir())
    assert [tile.name for tile in tiles] == [f"{n}_0.jpg" for n in range(9)]
    assert Image.open(tiles[8]).size == (1, 301)


@pytest.mark.django_db
def test_a_bomb_is_refused_in_the_child_and_leaves_nothing(
    tmp_path: Path, own_storage: Path
) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(pictures.hollow_png(1, 100_000_000))
    with pytest.raises(DomainError), PictureReader() as reader:
        store_picture(source=source, reader=reader)
    assert not Picture.objects.exists()
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_the_child_has_a_memory_cap(tmp_path: Path, own_storage: Path, settings: object) -> None:
    settings.DECODE_MEMORY_BYTES = 2**28  # type: ignore[attr-defined]
    source = tmp_path / "large.png"
    source.write_bytes(pictures.hollow_png(9_000, 9_000, rows=9_000))
    with pytest.raises(DomainError) as refused, PictureReader() as reader:
        store_picture(source=source, reader=reader)
    assert refused.value.code == "too_costly"
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_the_same_content_twice_is_one_stored_file(tmp_path: Path, own_storage: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(pictures.png())
    with PictureReader() as reader:
        first, second = (
            store_picture(source=tmp_path / name, reader=reader) for name in ("a.png", "b.png")
        )
    assert first == second
    assert len([path for path in own_storage.rglob("*") if path.is_file()]) == 2


def test_many_pictures_are_read_by_one_process_that_ends_with_the_block(tmp_path: Path) -> None:
    sizes, processes = [], set()
    with PictureReader() as reader:
        for number in range(3):
            source, folder = _source(tmp_path, pictures.png(61 + number, 43))
            report = reader.read(source=source, folder=folder)
            sizes.append((report.width, report.height))
            processes |= _reading_processes()
    assert sizes == [(61, 43), (62, 43), (63, 43)]
    assert len(processes) == 1
    assert _reading_processes() == set()


def test_a_process_that_was_ended_costs_the_next_picture_nothing(tmp_path: Path) -> None:
    with PictureReader() as reader:
        source, folder = _source(tmp_path, pictures.png())
        reader.read(source=source, folder=folder)
        [process] = _reading_processes()
        os.kill(process, signal.SIGKILL)
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        source, folder = _source(tmp_path, pictures.jpeg(70, 40))
        assert reader.read(source=source, folder=folder).width == 70


def test_a_picture_that_takes_too_much_or_too_long_costs_the_next_one_nothing(
    tmp_path: Path, settings: Settings
) -> None:
    settings.DECODE_MEMORY_BYTES = 2**28
    large = pictures.hollow_png(9_000, 9_000, rows=9_000)
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    with PictureReader() as reader:
        source, folder = _source(tmp_path, large)
        assert _refused(reader, source, folder) == "too_costly"
        source, folder = _source(tmp_path, pictures.png())
        assert reader.read(source=source, folder=folder).width == 61
        settings.DECODE_SECONDS = 1
        assert _refused(reader, endless, folder) == "too_costly"
        settings.DECODE_SECONDS = 60
        source, folder = _source(tmp_path, pictures.png(80, 43))
        assert reader.read(source=source, folder=folder).width == 80


def _source(tmp_path: Path, content: bytes) -> tuple[Path, Path]:
    """A file with this content, and an empty folder."""
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    source = folder.with_suffix(".upload")
    source.write_bytes(content)
    return source, folder


def _refused(reader: PictureReader, source: Path, folder: Path) -> str:
    with pytest.raises(DomainError) as refused:
        reader.read(source=source, folder=folder)
    return refused.value.code


def _reading_processes() -> set[int]:
    """Process ids of those of our children that read pictures."""
    found = set()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            if b"picture_forks" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(int(child))
    return found
