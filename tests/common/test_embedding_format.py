"""The embedding file: exact, aligned, and refused when a single bit is wrong."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from common.embedding_format import (
    MAX_HEAD_BYTES,
    DamagedEmbedding,
    Embedding,
    EmbeddingName,
    Frame,
    decode_embedding,
    decode_head,
    encode_embedding,
)

NAME = EmbeddingName(image_sha256="ab" * 32, crop=(0, 0, 60, 40), encoder_fingerprint="cd" * 32)
EMBEDDING = Embedding(
    name=NAME,
    frame=Frame(input_size=64, resized=(43, 64), size=(40, 60)),
    values=np.random.default_rng(5).normal(size=(6, 4, 4)).astype(np.float16),
)
CONTENT = encode_embedding(EMBEDDING)


def test_an_embedding_survives_the_file() -> None:
    read = decode_embedding(CONTENT, expected=NAME)
    assert (read.name, read.frame) == (EMBEDDING.name, EMBEDDING.frame)
    assert np.array_equal(read.values, EMBEDDING.values)


def test_the_payload_is_aligned_little_endian_and_the_head_enough_to_find_it() -> None:
    head = decode_head(CONTENT[:MAX_HEAD_BYTES], expected=NAME)
    assert head.payload_offset % 16 == 0 and head.num_bytes == len(CONTENT)
    assert CONTENT[head.payload_offset :] == EMBEDDING.values.astype("<f2").tobytes()
    assert int.from_bytes(CONTENT[8:12], "little") == head.payload_offset - 12


def test_the_same_embedding_gives_the_same_bytes() -> None:
    assert encode_embedding(EMBEDDING) == CONTENT


@pytest.mark.parametrize("position", [0, 9, 40, len(CONTENT) - 1])
def test_one_flipped_bit_is_damage(position: int) -> None:
    flipped = bytearray(CONTENT)
    flipped[position] ^= 4
    with pytest.raises(DamagedEmbedding):
        decode_embedding(bytes(flipped), expected=NAME)


@pytest.mark.parametrize("length", [0, 5, 12, 100, len(CONTENT) - 1])
def test_a_cut_file_is_damage(length: int) -> None:
    with pytest.raises(DamagedEmbedding):
        decode_embedding(CONTENT[:length], expected=NAME)


def test_bytes_after_the_payload_are_damage() -> None:
    with pytest.raises(DamagedEmbedding, match="bytes instead of"):
        decode_embedding(CONTENT + b"\0")


@pytest.mark.parametrize(
    "other",
    [{"image_sha256": "00" * 32}, {"crop": (0, 0, 60, 41)}, {"encoder_fingerprint": "ef" * 32}],
)
def test_the_embedding_of_something_else_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(DamagedEmbedding, match="not of"):
        decode_embedding(CONTENT, expected=dataclasses.replace(NAME, **other))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"shape": [6, 4]}, {"shape": [6, 4, -4]}, {"dtype": "float32"}, {"crop": "all"}, {"more": 1}],
)
def test_a_header_that_makes_no_sense_is_damage(change: dict[str, object]) -> None:
    head = decode_head(CONTENT)
    header = json.loads(CONTENT[12 : head.payload_offset]) | change
    text = json.dumps(header).encode()
    text += b" " * (-(12 + len(text)) % 16)
    content = b"MWEMBED1" + len(text).to_bytes(4, "little") + text + CONTENT[head.payload_offset :]
    with pytest.raises(DamagedEmbedding):
        decode_embedding(content)


def test_the_storage_key_names_picture_crop_and_encoder() -> None:
    assert NAME.key == f"embeddings/{'cd' * 32}/{'ab' * 32}-0_0_60_40.emb"
