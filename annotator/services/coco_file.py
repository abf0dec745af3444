"""Reading a COCO file of any size: one pass notes where each annotation stands, in few bytes of memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeGuard

from annotator.errors import Invalid

BLOCK_CHARACTERS = 1 << 20
MAX_VALUE_CHARACTERS = 64 << 20  # one image, annotation or other entry
WHITESPACE = " \t\n\r"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Id = int | str


@dataclass(frozen=True)
class CocoImage:
    """An entry of `images`; `name` is what people call it, sizes are in pixels."""

    id: Id
    file_name: str
    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Stray:
    """An entry that cannot be used: where it stands, and why."""

    place: str
    code: str
    message: str
    num_masks: int = 0  # that are lost with it


@dataclass
class CocoIndex:
    """What a COCO file holds, and where: annotations are read when their image's turn comes."""

    path: Path
    images: list[CocoImage] = field(default_factory=list)
    categories: dict[Id, str] = field(default_factory=dict)
    strays: list[Stray] = field(default_factory=list)
    num_annotations: int = 0
    _places: dict[Id, array[int]] = field(default_factory=dict)

    def num_annotations_of(self, image: CocoImage) -> int:
        return len(self._places.get(image.id, ())) // 2

    def annotations_of(self, image: CocoImage) -> Iterator[dict[str, object]]:
        """The annotations of an image, in the order of the file."""
        places = self._places.get(image.id, array("Q"))
        with self.path.open("rb") as file:
            for start, end in zip(places[::2], places[1::2], strict=True):
                file.seek(start)
                yield json.loads(file.read(end - start))

    def note_place(self, image_id: Id, start: int, end: int) -> None:
        """Remembers the bytes of an annotation."""
        self._places.setdefault(image_id, array("Q")).extend((start, end))

    def drop_unknown_images(self) -> None:
        """Turns annotations of images that the file does not list into strays."""
        known = {image.id for image in self.images}
        for image_id in [one for one in self._places if one not in known]:
            lost = len(self._places.pop(image_id)) // 2
            text = f"Annotations of this image: {lost}; it is not among the images."
            self.strays.append(Stray(f"image {image_id!r:.60}", "unknown_image", text, lost))


@dataclass
class FolderIndex(CocoIndex):
    """What a folder holds that has a file for each image; only one of them is held at a time."""

    _files: dict[Id, tuple[Path, int]] = field(default_factory=dict)  # with the number of masks

    def num_annotations_of(self, image: CocoImage) -> int:
        return self._files[image.id][1]

    def file_of(self, image: CocoImage) -> Path:
        """The file that holds an image's masks."""
        return self._files[image.id][0]

    def note_file(self, image_id: Id, path: Path, num_masks: int) -> None:
        """Remembers which file tells of an image."""
        self._files[image_id] = (path, num_masks)
        self.num_annotations += num_masks


def index_coco_file(path: Path, *, max_bytes: int) -> CocoIndex:
    """What a COCO file holds. Raises `Invalid` when it is too large, not JSON or not COCO."""
    if path.stat().st_size > max_bytes:
        raise Invalid(f"{path.name} is larger than {max_bytes:,} bytes.", code="too_large")
    index = CocoIndex(path)
    seen: set[str] = set()
    with path.open("rb") as file:
        scanner = _Scanner(file)
        try:
            for key in scanner.members():
                seen.add(key)
                _read_part(index, key, scanner)
        except (ValueError, RecursionError) as error:
            text = f"{path.name} is no JSON that can be read, from byte {scanner.position:,} on: {error}"
            raise Invalid(text[:500], code="not_json") from error
    if missing := {"images", "annotations"} - seen:
        text = f"{path.name} is no COCO file: it has no {' and no '.join(sorted(missing))}."
        raise Invalid(text, code="not_coco")
    index.drop_unknown_images()
    return index


def _read_part(index: CocoIndex, key: str, scanner: _Scanner) -> None:
    if key == "images":
        known: set[Id] = set()
        for number, entry in enumerate(scanner.entries()):
            add_image(index, entry.content, f"images[{number}]", known)
    elif key == "annotations":
        for number, entry in enumerate(scanner.entries()):
            index.num_annotations += 1
            image_id = _own(entry.content, "image_id")
            if _is_id(image_id):
                index.note_place(image_id, entry.start, entry.end)
            else:
                stray = Stray(f"annotations[{number}]", "no_image_id", "It names no image.", 1)
                index.strays.append(stray)
    elif key == "categories":
        for entry in scanner.entries():
            category_id, name = _own(entry.content, "id"), _own(entry.content, "name")
            if _is_id(category_id) and isinstance(name, str):
                index.categories[category_id] = name
    else:
        scanner.value()


def add_image(index: CocoIndex, entry: object, place: str, known: set[Id]) -> None:
    """Adds an entry of `images`, a stray when it makes no sense; `known` are the ids so far."""
    image_id, file_name = _own(entry, "id"), _own(entry, "file_name")
    width, height, name = _own(entry, "width"), _own(entry, "height"), _own(entry, "name")
    if not _is_id(image_id) or not isinstance(file_name, str) or not file_name:
        index.strays.append(Stray(place, "bad_image", "It has no id or no file_name."))
    elif type(width) is not int or type(height) is not int:
        text = f"{file_name} has no width and height in whole pixels."
        index.strays.append(Stray(place, "bad_image", text))
    elif image_id in known:
        index.strays.append(Stray(place, "same_id", f"Another image has the id {image_id}."))
    else:
        known.add(image_id)
        called = name if isinstance(name, str) and name else file_name
        index.images.append(CocoImage(image_id, file_name, called, width, height))


def _own(entry: object, key: str) -> object:
    return entry.get(key) if isinstance(entry, dict) else None


def _is_id(value: object) -> TypeGuard[Id]:
    return type(value) is int or isinstance(value, str)


@dataclass(frozen=True)
class _Value:
    """A JSON value and the bytes of the file that hold it, from `start` to before `end`."""

    start: int
    end: int
    content: object


class _Scanner:
    """Walks through one JSON object, value by value, holding little more than one of them.

    Bytes are taken for Latin-1, so that a place in the text is a place in the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = json.JSONDecoder()
        self._text, self._at, self._start, self._has_ended = "", 0, 0, False
        if file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
            self._start = len(BYTE_ORDER_MARK)
        file.seek(self._start)

    @property
    def position(self) -> int:
        """The byte of the file that is looked at next."""
        return self._start + self._at

    def members(self) -> Iterator[str]:
        """Each key of the object; the caller reads its value before asking for the next."""
        self._take("{")
        for _ in self._parts("}"):
            key = self.value().content
            if not isinstance(key, str):
                raise ValueError(f"{key!r:.40} where a key belongs")
            self._take(":")
            yield key
        if self._peek():
            raise ValueError("something follows the end")

    def entries(self) -> Iterator[_Value]:
        """Each entry of the list that comes next."""
        self._take("[")
        for _ in self._parts("]"):
            yield self.value()

    def value(self) -> _Value:
        """The value that comes next."""
        self._peek()
        while True:
            try:
                content, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text) or self._has_ended:  # a number may go on
                    break
            except ValueError:
                if self._has_ended or len(self._text) - self._at > MAX_VALUE_CHARACTERS:
                    raise
            self._read_on()
        text, start = self._text[self._at : end], self.position
        self._at = end
        is_right = text.isascii()
        return _Value(
            start, self.position, content if is_right else json.loads(text.encode("latin-1"))
        )

    def _parts(self, closing: str) -> Iterator[None]:
        if self._peek() == closing:
            self._at += 1
            return
        while True:
            yield
            mark = self._peek()
            self._at += 1
            if mark == closing:
                return
            if mark != ",":
                raise ValueError(f"{mark!r} where a comma belongs")

    def _take(self, mark: str) -> None:
        if self._peek() != mark:
            raise ValueError(f"{self._peek()!r} where {mark!r} belongs")
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in WHITESPACE:
                self._at += 1
            if self._at < len(self._text) or self._has_ended:
                return self._text[self._at : self._at + 1]
            self._read_on()

    def _read_on(self) -> None:
        """Forgets what was read and reads as much again as is held, at least a block."""
        rest = self._text[self._at :]
        block = self._file.read(max(BLOCK_CHARACTERS, len(rest))).decode("latin-1")
        self._start += self._at
        self._text, self._at, self._has_ended = rest + block, 0, not block
