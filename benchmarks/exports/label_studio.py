"""`python -m benchmarks.exports.label_studio WHAT IN OUT`: one run of label-studio-sdk's converter.

Runs in the converter's own environment: of ours it imports only what needs nothing but Python.
"""

from __future__ import annotations

import json
import logging
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from label_studio_sdk.converter import Converter, brush
from label_studio_sdk.converter.imports.coco import convert_coco_to_ls

from benchmarks.exports.cost import measured, tell

CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="tag" toName="image"><Label value="object"/></BrushLabels></View>"""


def main() -> None:
    """`prepare` writes tasks as Label Studio stores them, the others tell their cost."""
    logging.disable(logging.WARNING)
    what, source, out = sys.argv[1:]
    if what == "prepare":
        prepare(Path(source), Path(out))
    elif what == "export":
        converter = Converter(CONFIG, project_dir=None, download_resources=False)
        tell(measured(lambda: converter.convert(source, out, "BRUSH_TO_COCO", is_dir=False)))
    else:
        tell(measured(lambda: convert_coco_to_ls(source, out)))


def prepare(source: Path, out: Path) -> None:
    """Tasks with brush masks, from a file with shapes [N, H, W] and lists of shapes by image."""
    found = np.load(source, allow_pickle=False)
    shapes = found["shapes"]
    brushes = [json.dumps(brush.mask2rle(shape.astype(np.uint8) * 255)) for shape in shapes]
    size = {"original_width": shapes.shape[2], "original_height": shapes.shape[1]}
    with out.open("w") as file:
        starts = found["starts"].tolist()
        for number, (first, end) in enumerate(pairwise(starts)):
            results = [_result(brushes[each % len(brushes)], size) for each in range(first, end)]
            task = {"id": number, "data": {"image": f"/data/{number}.png"}, "annotations": "%s"}
            body = f'[{{"id": {number}, "completed_by": 1, "result": [{", ".join(results)}]}}]'
            comma = "," if number else "["
            file.write(comma + json.dumps(task).replace('"%s"', body))
        file.write("]")


def _result(rle: str, size: dict[str, int]) -> str:
    """One mask; its numbers are written already."""
    value = {"format": "rle", "rle": "%s", "brushlabels": ["object"]}
    told = {"from_name": "tag", "to_name": "image", "type": "brushlabels", "value": value, **size}
    return json.dumps(told).replace('"%s"', rle)


if __name__ == "__main__":
    main()
