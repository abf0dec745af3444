"""Storage in a local folder and in an object store: complete files or none."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest

from storage import BadKey, Storage, open_storage, sha256_of_file

KEY = "images/ab/ab12.jpg"


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "file":
        return open_storage(f"file://{tmp_path}/store")
    return open_storage(f"memory://{uuid.uuid4().hex}")


def test_what_was_put_is_read_back(storage: Storage) -> None:
    storage.put_bytes(KEY, b"asymmetric")
    assert storage.read_bytes(KEY) == b"asymmetric"
    assert storage.exists(KEY) and storage.size(KEY) == 10
    assert storage.sha256(KEY) == hashlib.sha256(b"asymmetric").hexdigest()
    assert storage.read_head(KEY, 3) == b"asy"
    with storage.open(KEY) as file:
        assert file.read() == b"asymmetric"


def test_a_file_is_copied_whole(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_001)
    storage.put_file(KEY, source)
    assert storage.sha256(KEY) == sha256_of_file(source)


def test_a_second_write_replaces_the_first(storage: Storage) -> None:
    storage.put_bytes(KEY, b"first and longer")
    storage.put_bytes(KEY, b"second")
    assert storage.read_bytes(KEY) == b"second"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(storage: Storage) -> None:
    storage.put_bytes(KEY, b"old")
    with pytest.raises(RuntimeError, match="half way"), storage.writer(KEY) as file:
        file.write(b"ne")
        raise RuntimeError("half way")
    assert storage.read_bytes(KEY) == b"old"
    assert storage.list("images") == [KEY]
    if path := storage.local_path(KEY):
        assert [each.name for each in path.parent.iterdir()] == ["ab12.jpg"]


def test_a_listing_is_sorted_and_stays_below_its_folder(storage: Storage) -> None:
    for key in ("jobs/b/log", "jobs/a/log", "jobsother/c", "images/d"):
        storage.put_bytes(key, b"1")
    assert storage.list("jobs") == ["jobs/a/log", "jobs/b/log"]
    assert storage.list("nothing") == []


def test_a_missing_file_is_named_and_deleting_it_is_no_error(storage: Storage) -> None:
    storage.delete(KEY)
    assert not storage.exists(KEY)
    for read in (storage.read_bytes, storage.size, storage.open):
        with pytest.raises(FileNotFoundError):
            read(KEY)


def test_a_folder_is_not_a_file(storage: Storage) -> None:
    storage.put_bytes(KEY, b"1")
    assert not storage.exists("images/ab")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/./b", ".hidden", "a b", "a\x00b", "é"]
)
def test_a_key_cannot_leave_the_storage(storage: Storage, key: str) -> None:
    with pytest.raises(BadKey):
        storage.put_bytes(key, b"")
    with pytest.raises(BadKey):
        storage.read_bytes(key)


def test_only_a_local_folder_has_paths(tmp_path: Path) -> None:
    local = open_storage(f"file://{tmp_path}")
    assert local.local_path(KEY) == tmp_path / KEY
    assert (local.free_bytes() or 0) > 0
    assert open_storage("memory://x").local_path(KEY) is None
