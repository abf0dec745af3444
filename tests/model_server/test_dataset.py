"""COCO folders become training batches: reproducible, mixed by weight, augmented in step."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from common.segmentation import BadSegmentation
from model_server.training.augmentation import Augmentation, Window
from model_server.training.dataset import (
    BatchDataset,
    ImageRecord,
    parse_folder,
    read_coco_folder,
    read_coco_folders,
)
from tests.model_server.coco_folder import write_coco_folder

PLAIN = Augmentation(colour_strength=0.0, grey_share=0.0)
EVERYTHING = Augmentation(
    upside_down_share=0.5,
    max_rotation=20.0,
    blur_share=0.5,
    jpeg_share=0.5,
    noise_share=0.5,
    paste_share=0.5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco_folder(tmp_path_factory.mktemp("coco") / "set")


def dataset_of(
    records: list[ImageRecord],
    augmentation: Augmentation,
    *,
    images: int = 3,
    first_image: int = 0,
    low_res_size: int = 64,
) -> BatchDataset:
    return BatchDataset(
        records,
        seed=5,
        input_size=64,
        low_res_size=low_res_size,
        images_per_batch=images,
        masks_per_image=2,
        augmentation=augmentation,
        last_batch=10,
        first_image=first_image,
    )


@pytest.mark.parametrize("augmentation", [Augmentation(), EVERYTHING], ids=["default", "all"])
def test_a_batch_depends_on_its_number_only(folder: Path, augmentation: Augmentation) -> None:
    dataset = dataset_of(read_coco_folder(folder, "train"), augmentation, low_res_size=32)
    first, again, other = dataset[4], dataset[4], dataset[5]
    assert first.pixels.shape == (3, 3, 64, 64) and first.targets.shape == (3, 2, 32, 32)
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.targets, again.targets)
    assert not torch.equal(first.pixels, other.pixels)
    assert all(target.max() > 0.5 for target in first.targets.flatten(0, 1))


def test_processes_share_out_the_images_of_a_batch(folder: Path) -> None:
    records = read_coco_folder(folder, "train")
    joint = dataset_of(records, EVERYTHING, images=4)[2]
    second = dataset_of(records, EVERYTHING, images=2, first_image=2)[2]
    assert torch.equal(joint.pixels[2:], second.pixels)
    assert torch.equal(joint.targets[2:], second.targets)


def test_the_dev_split_is_left_out_of_training(folder: Path) -> None:
    assert len(read_coco_folder(folder, "train")) == 5
    assert len(read_coco_folder(folder, "dev")) == 1
    assert len(read_coco_folder(folder, None)) == 6


def coloured(pixels: Tensor) -> Tensor:
    """Where objects are: they are red or green on grey."""
    return (pixels[0].float() - pixels[1].float()).abs() > 100


@pytest.mark.parametrize(
    "augmentation",
    [PLAIN, replace(PLAIN, upside_down_share=1.0), replace(PLAIN, max_rotation=40.0)],
    ids=["crops and flips", "upside down", "rotated"],
)
def test_picture_and_targets_stay_aligned(folder: Path, augmentation: Augmentation) -> None:
    """Objects are the only coloured things, wherever the crop puts them."""
    dataset = dataset_of(read_coco_folder(folder, "train"), augmentation, images=1)
    for number in range(8):
        batch = dataset[number]
        inside = (batch.targets[0] > 0.9).any(0)
        assert (coloured(batch.pixels[0]) & inside).sum() > 0.85 * inside.sum()


def test_a_rotated_window_turns_around_the_middle_of_its_content() -> None:
    mask = np.zeros((40, 80), np.uint8)
    mask[18:22, 10:70] = 255  # a bar through the middle
    placed = Window(0.0, 0.0, 80.0, degrees=90.0).place(Image.fromarray(mask), 80)
    rows, columns = np.nonzero(placed > 128)
    assert abs(columns.mean() - 39.5) < 1 and columns.max() - columns.min() < 6
    assert rows.max() - rows.min() > 40  # what stays in the frame stands upright


def test_a_pasted_object_covers_what_was_there(folder: Path) -> None:
    records = read_coco_folder(folder, "train")
    plain = dataset_of(records, replace(PLAIN, flip_share=0.0))
    pasting = dataset_of(records, replace(PLAIN, flip_share=0.0, paste_share=1.0))
    changed = 0
    for number in range(8):
        before, after = plain[number], pasting[number]
        for old, new, masks in zip(before.pixels, after.pixels, after.targets, strict=True):
            if torch.equal(old, new):
                continue
            changed += 1
            pasted, other = masks
            assert (coloured(new) & (pasted > 0.9)).sum() > 0.85 * (pasted > 0.9).sum()
            assert torch.equal(old[:, pasted == 0], new[:, pasted == 0])
            assert torch.equal(pasted, other) or (pasted + other).max() <= 1
    assert changed > 8


def test_the_look_changes_and_the_masks_do_not(folder: Path) -> None:
    records = read_coco_folder(folder, "train")
    still = Augmentation(flip_share=0.0, colour_strength=0.0, grey_share=0.0)
    before = dataset_of(records, still)[0]
    for share in ("blur_share", "jpeg_share", "noise_share"):
        after = dataset_of(records, replace(still, **{share: 1.0}))[0]
        assert torch.equal(before.targets, after.targets)
        difference = (before.pixels.float() - after.pixels.float()).abs().mean()
        assert 0.5 < difference < 40, share


def test_folders_are_mixed_by_their_factors(folder: Path, tmp_path: Path) -> None:
    other = write_coco_folder(tmp_path / "other")
    records = read_coco_folders([str(folder), f"{other}:3"], "train")
    assert len(records) == 10
    ours, theirs = records[:5], records[5:]
    assert [r.weight * 3 for r in ours] == pytest.approx([r.weight for r in theirs])
    odd = [record.weight for record in ours if record.source == "odd"]
    even = [record.weight for record in ours if record.source == "even"]
    assert sum(odd) / sum(even) == pytest.approx((len(odd) / len(even)) ** 0.5)
    dataset = dataset_of(records, PLAIN)
    drawn = [dataset.draw_record(np.random.default_rng(seed)).path for seed in range(400)]
    assert 270 < sum(path.is_relative_to(other) for path in drawn) < 330


def test_a_folder_with_a_colon_in_its_name_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "set:2").mkdir()
    assert parse_folder(f"{tmp_path}/set:2") == (tmp_path / "set:2", 1.0)
    assert parse_folder(f"{tmp_path}/set:2:2.5") == (tmp_path / "set:2", 2.5)
    assert parse_folder(f"{tmp_path}/set") == (tmp_path / "set", 1.0)
    with pytest.raises(ValueError, match="greater than 0"):
        parse_folder("set:0")


def test_crowds_and_annotations_without_a_shape_are_left_out(folder: Path) -> None:
    coco = json.loads((folder / "annotations.json").read_text())
    coco["annotations"][0]["segmentation"] = []
    coco["annotations"][2]["iscrowd"] = 1
    file = folder / "some_crowds.json"
    file.write_text(json.dumps(coco))
    records = read_coco_folder(file, None)
    assert [len(record.rles) for record in records] == [1, 1, 2, 2, 2, 2]


def test_a_coco_file_of_any_name_is_read_and_its_pictures_found(folder: Path) -> None:
    text = (folder / "annotations.json").read_text()
    instances = folder / "instances_train.json"
    instances.write_text(text.replace("images/", ""))
    [record, *others] = read_coco_folders([f"{instances}:2"], "train")
    assert len(others) == 4 and record.path == folder / "images" / "1.png"


def test_a_missing_picture_is_missed_at_once(folder: Path) -> None:
    gone = folder / "gone.json"
    gone.write_text((folder / "annotations.json").read_text().replace("5.png", "55.png"))
    with pytest.raises(FileNotFoundError, match="55.png is neither in"):
        read_coco_folder(gone, "train")


@pytest.mark.parametrize(
    ("segmentation", "code"),
    [
        ({"size": [1, 1], "counts": "1"}, "wrong_size"),
        ([[1.0, 1.0, 9.0]], "bad_polygon"),
        ([[1.0, 1.0, 9.0, 1.0, float("nan"), 9.0]], "bad_polygon"),
    ],
)
def test_a_mask_that_is_none_is_named(tmp_path: Path, segmentation: object, code: str) -> None:
    folder = write_coco_folder(tmp_path / "set")
    file = folder / "annotations.json"
    coco = json.loads(file.read_text())
    coco["annotations"][0] |= {"id": 77, "segmentation": segmentation}
    file.write_text(json.dumps(coco))

    with pytest.raises(BadSegmentation, match="annotation 77: ") as told:
        read_coco_folder(folder, None)

    assert told.value.code == code
