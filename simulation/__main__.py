"""`python -m simulation`: a simulated team annotates a COCO folder in a running product."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from common.coco_folder import read_coco_folder
from common.segmentation import BadSegmentation
from simulation.campaign import Campaign
from simulation.client import Refused
from simulation.http_session import SignInFailed
from simulation.project import NotPrepared, Preparation, admin_client

PASSWORD_VARIABLE = "MASKWRIGHT_ADMIN_PASSWORD"


def main(arguments: Sequence[str]) -> int:
    """Run all shifts; 0 when no request failed, no pair mismatched and everybody finished."""
    options = _parser().parse_args(arguments)
    try:
        pictures = read_coco_folder(options.images, options.split)[: options.limit]
        shares = options.rounds + 1
        if len(pictures) < shares:
            raise ValueError(f"{len(pictures)} pictures for {shares} shifts")
    except (FileNotFoundError, BadSegmentation, ValueError) as problem:
        print(f"The images cannot be used: {problem}", file=sys.stderr)
        return 2
    is_clean = True
    try:
        for shift in _campaign(options).run(pictures, num_rounds=options.rounds):
            for words in [*shift.report.tally.failures, *shift.report.stopped]:
                print(words, file=sys.stderr)
            print(json.dumps(shift.summary()), flush=True)
            is_clean = is_clean and shift.report.is_clean
    except (NotPrepared, Refused, SignInFailed, OSError) as problem:
        print(f"The team cannot work: {problem}", file=sys.stderr)
        return 2
    return 0 if is_clean else 1


def _campaign(options: argparse.Namespace) -> Campaign:
    password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"{options.admin}'s password: ")
    settings = {"steps": options.steps, "minutes": options.minutes}
    return Campaign(
        preparation=Preparation(admin_client(options.url.rstrip("/"), options.admin, password)),
        project_name=options.project or f"Simulated team {options.seed}",
        people=[f"simulated-{number}" for number in range(1, options.people + 1)],
        seed=options.seed,
        round_settings={name: value for name, value in settings.items() if value is not None},
        is_control=options.control,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument(
        "--url", required=True, help="of the product, such as http://127.0.0.1:8000"
    )
    parser.add_argument(
        "--images", required=True, type=Path, help="COCO folder (or file) with reference masks"
    )
    parser.add_argument("--people", type=int, default=4, help="annotators at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same prompts (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=0, help="rounds of retraining, each between two shifts"
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help="rounds after the first train on the first one's masks again",
    )
    parser.add_argument("--steps", type=int, help="of a round at most; the product's own default")
    parser.add_argument("--minutes", type=float, help="of a round at most; the product's default")
    parser.add_argument("--split", help="only pictures of this split of the folder")
    parser.add_argument("--limit", type=int, help="only the first so many pictures")
    parser.add_argument("--project", help='to work in ("Simulated team SEED"); made when missing')
    parser.add_argument(
        "--admin",
        default="admin",
        help=f"who prepares the project; the password is asked for or taken from {PASSWORD_VARIABLE}",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
