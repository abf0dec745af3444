"""A candidate beside the current weights: `python -m model_server.training.compare`.

Reads what `model_server.training.evaluate --json` found for both on held-out masks, replays recorded
interactions on both, and writes `comparison.json` and pictures of single cases into a folder.
docs/decisions/gate.md defines each number.
"""

import argparse
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from common.metrics import Mask
from common.replay_cases import COMPARISON_NAME, ReplayCase, read_cases
from model_server.evaluation.clicking import CLICK_COUNTS
from model_server.evaluation.comparison import Pair, compare, compare_groups
from model_server.evaluation.gallery import as_jpeg, draw_panel, window_around
from model_server.evaluation.images import read_mask
from model_server.evaluation.replaying import (
    TARGET,
    NetworkAnswerer,
    Replay,
    prompts_of,
    replay,
)
from model_server.sam.predictor import Predictor
from model_server.training.evaluate import load_or_exit, rounded, watched

CASES_SHOWN = 3  # of each kind


@dataclass(frozen=True)
class Pace:
    """What the team's acts took on average; None when it was never measured."""

    seconds_per_click: float | None
    seconds_per_painted_px: float | None

    def seconds(self, case: ReplayCase, found: Replay) -> float | None:
        """Predicted seconds of correcting: painting where the person painted, else clicking."""
        if case.painted_px:
            each, count = self.seconds_per_painted_px, found.wrong_px
        else:
            each, count = self.seconds_per_click, found.num_clicks
        return None if each is None else each * count


@dataclass(frozen=True)
class Replayed:
    """One case on both networks."""

    case: ReplayCase
    current: Replay
    candidate: Replay

    @property
    def gain(self) -> float:
        """What the candidate's first answer is better, in IoU."""
        return self.candidate.first_iou - self.current.first_iou

    def pair(self, current: float, candidate: float, weight: float = 1.0) -> Pair:
        """The two values of a measure."""
        return Pair(self.case.group, self.case.image_sha256, current, candidate, weight)


def replay_all(
    cases: Iterable[ReplayCase], pictures: Path, current: Predictor, candidate: Predictor
) -> Iterator[Replayed]:
    """Each case on both networks; `cases` of one image stand together, `pictures` holds the files."""
    for _, group in itertools.groupby(cases, key=lambda case: case.image_sha256):
        own = list(group)
        picture = read_picture(own[0], pictures)
        embeddings = [(network, network.embed(picture)) for network in (current, candidate)]
        for case in own:
            prompts, accepted = prompts_of(case.acts), accepted_mask(case)
            before, after = (
                replay(NetworkAnswerer(network, embedding), prompts, accepted)
                for network, embedding in embeddings
            )
            yield Replayed(case, before, after)


def measure_replays(replayed: Sequence[Replayed], pace: Pace) -> dict[str, list[Pair]]:
    """Pairs of each measure that the replayed cases yield."""
    painted = [one for one in replayed if one.case.painted_px]
    seconds = [
        one.pair(before, after)
        for one in replayed
        if (before := pace.seconds(one.case, one.current)) is not None
        and (after := pace.seconds(one.case, one.candidate)) is not None
    ]
    return {
        "first_iou": [r.pair(r.current.first_iou, r.candidate.first_iou) for r in replayed],
        "first_capped": [
            r.pair(capped(r.current.first_iou), capped(r.candidate.first_iou)) for r in replayed
        ],
        "clicks": [r.pair(r.current.num_clicks, r.candidate.num_clicks) for r in replayed],
        "unpainted_share": [
            r.pair(
                r.case.painted_px - r.current.wrong_px,
                r.case.painted_px - r.candidate.wrong_px,
                r.case.painted_px,
            )
            for r in painted
        ],
        "seconds": seconds,
    }


def measure_held_out(
    current: dict[str, Any], candidate: dict[str, Any], group: str
) -> dict[str, list[Pair]]:
    """Pairs of each measure on reference masks, from two files of `evaluate --json`.

    They are counted under `group`, or when that is empty under the source of their image.
    """
    before, after = traces(current), traces(candidate)
    keys = sorted(before.keys() & after.keys())

    def pairs(measure: Callable[[list[float]], float]) -> list[Pair]:
        return [
            Pair(group or source, image, measure(before[key]), measure(after[key]))
            for key in keys
            for source, image, _ in [key]
        ]

    return {
        "held_out_capped": pairs(
            lambda ious: float(np.mean([capped(at(ious, count)) for count in CLICK_COUNTS]))
        ),
        "held_out_iou_1": pairs(lambda ious: at(ious, 1)),
        "held_out_iou_3": pairs(lambda ious: at(ious, 3)),
    }


def traces(facts: dict[str, Any]) -> dict[tuple[str, str, int], list[float]]:
    """IoU after each simulated click, by source, image and number of the mask."""
    return {
        (image["source"], image["image"], mask["number"]): [
            guess["iou"] for guess in mask["centre"]["chosen"]
        ]
        for image in facts["methods"]["model"]["images"]
        for mask in image["masks"]
    }


def at(ious: Sequence[float], count: int) -> float:
    """IoU after `count` clicks; a trace that ended keeps its last value."""
    return ious[min(count, len(ious)) - 1]


def capped(iou: float) -> float:
    """An IoU counted up to the target: a mask that one of the models drew judges no finer than that."""
    return min(iou, TARGET)


def summarise(measures: dict[str, list[Pair]]) -> dict[str, Any]:
    """Each measure that has masks: over all, and by group."""
    found = {name: (compare(pairs), compare_groups(pairs)) for name, pairs in measures.items()}
    return {
        name: {
            **asdict(whole),
            "by_group": {group: asdict(difference) for group, difference in groups.items()},
        }
        for name, (whole, groups) in found.items()
        if whole is not None
    }


def extreme_cases(replayed: Sequence[Replayed]) -> list[tuple[str, Replayed]]:
    """The greatest gains, the greatest first, then the greatest losses; no image twice in either."""
    ordered = sorted(replayed, key=lambda one: (-one.gain, one.case.mask_id))
    best = firsts_of_images([one for one in ordered if one.gain > 0])
    worst = firsts_of_images([one for one in reversed(ordered) if one.gain < 0])
    return [*(("best", one) for one in best), *(("worst", one) for one in worst)]


def firsts_of_images(some: Sequence[Replayed]) -> list[Replayed]:
    """The first cases, one of each image."""
    firsts: dict[str, Replayed] = {}
    for one in some:
        firsts.setdefault(one.case.image_sha256, one)
    return list(firsts.values())[:CASES_SHOWN]


def write_case(kind: str, one: Replayed, *, pictures: Path, out: Path) -> dict[str, Any]:
    """Draws a case for both networks; returns what is told of it, with the names of the pictures."""
    drawn = [draw_first_answer(one.case, found, pictures) for found in (one.current, one.candidate)]
    names = [hashlib.sha256(content).hexdigest() for content in drawn]
    for name, content in zip(names, drawn, strict=True):
        (out / f"{name}.jpg").write_bytes(content)
    return {
        "kind": kind,
        "mask_id": one.case.mask_id,
        "group": one.case.group,
        "current_iou": one.current.first_iou,
        "candidate_iou": one.candidate.first_iou,
        "current_clicks": one.current.num_clicks,
        "candidate_clicks": one.candidate.num_clicks,
        "current_picture": names[0],
        "candidate_picture": names[1],
    }


def draw_first_answer(case: ReplayCase, found: Replay, pictures: Path) -> bytes:
    """A JPEG: the mask after the first prompt, the prompt, and the accepted mask as a dashed line."""
    accepted, first = accepted_mask(case), prompts_of(case.acts)[0]
    mask = read_mask(found.first_counts, height=case.height, width=case.width)
    window = window_around(accepted, first.clicks)
    picture = read_picture(case, pictures)
    return as_jpeg(draw_panel(picture, mask, accepted, first.clicks, window, box=first.box))


def accepted_mask(case: ReplayCase) -> Mask:
    """The mask [height, width] that the person accepted."""
    return read_mask(case.counts, height=case.height, width=case.width)


def read_picture(case: ReplayCase, pictures: Path) -> NDArray[np.uint8]:
    """RGB [height, width, 3]."""
    path = pictures / PurePosixPath(case.image_key).name
    return np.array(Image.open(path).convert("RGB"))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--current", type=Path, required=True, help="weights; .json beside it")
    parser.add_argument("--candidate", type=Path, required=True, help="weights; .json beside it")
    parser.add_argument("--current-scores", type=Path, help="of evaluate --json")
    parser.add_argument("--candidate-scores", type=Path, help="of evaluate --json")
    parser.add_argument(
        "--group", default="", help="what the scored masks are counted under; default: their source"
    )
    parser.add_argument("--cases", type=Path, help="recorded interactions, JSON lines")
    parser.add_argument("--pictures", type=Path, help="folder with the pictures of the cases")
    parser.add_argument("--seconds-per-click", type=float)
    parser.add_argument("--seconds-per-painted-px", type=float)
    parser.add_argument("--out", type=Path, required=True, help="folder; made if missing")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare two networks."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    pace = Pace(options.seconds_per_click, options.seconds_per_painted_px)
    measures: dict[str, list[Pair]] = {}
    if options.current_scores:
        files = (options.current_scores, options.candidate_scores)
        before, after = (json.loads(file.read_text()) for file in files)
        measures |= measure_held_out(before, after, options.group)
    cases = list(read_cases(options.cases.read_bytes())) if options.cases else []
    networks = load_or_exit(options.current, options.candidate)
    replayed = watched(
        "replay", replay_all(cases, options.pictures, *networks), f"{len(cases)} masks"
    )
    measures |= measure_replays(replayed, pace)
    comparison = {
        "replayed_on": replayed_on(cases),
        "pace": asdict(pace),
        "measures": rounded(summarise(measures)),
        "cases": rounded(
            [
                write_case(kind, one, pictures=options.pictures, out=options.out)
                for kind, one in extreme_cases(replayed)
            ]
        ),
    }
    (options.out / COMPARISON_NAME).write_text(json.dumps(comparison))


def replayed_on(cases: Sequence[ReplayCase]) -> str:
    """`held_out`, `trained` when the candidate may have seen the masks, or `nothing`."""
    if not cases:
        return "nothing"
    return "held_out" if all(case.is_held_out for case in cases) else "trained"


if __name__ == "__main__":
    main()
