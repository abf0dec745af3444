"""A small COCO folder of drawn pictures, for training and evaluation tests."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask


def write_coco_folder(folder: Path, num_images: int = 6, num_dev: int = 1) -> Path:
    """Coloured ellipses and bars on noise, 90 x 60 pixels, the last images in the `dev` split."""
    rng = np.random.default_rng(3)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    rows, columns = np.indices((60, 90))
    for number in range(1, num_images + 1):
        pixels = rng.integers(0, 90, (60, 90, 3), dtype=np.uint8)
        y, x = rng.integers(15, 40), rng.integers(20, 55)
        ellipse = ((rows - y) / 11) ** 2 + ((columns - x) / 17) ** 2 < 1
        bar = (rows > 46) & (columns > 10 + number) & (columns < 50)
        for mask, colour in ((ellipse, (230, 60, 40)), (bar, (40, 220, 90))):
            pixels[mask] = colour
            rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
            counts = rle["counts"].decode("ascii")
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "segmentation": {"size": [60, 90], "counts": counts},
                }
            )
        name = f"images/{number}.png"
        Image.fromarray(pixels).save(folder / name)
        split = "dev" if number > num_images - num_dev else "train"
        images.append(
            {
                "id": number,
                "file_name": name,
                "width": 90,
                "height": 60,
                "source": "odd" if number % 2 else "even",
                "split": split,
            }
        )
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1}]}
    (folder / "annotations.json").write_text(json.dumps(coco))
    return folder
