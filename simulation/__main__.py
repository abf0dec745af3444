"""`python -m simulation`: a simulated team annotates a COCO folder in a running product."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from common.coco_folder import CocoPicture, read_coco_folder
from common.segmentation import BadSegmentation
from simulation.client import Refused
from simulation.http_session import SignInFailed
from simulation.project import NotPrepared, Preparation, admin_client
from simulation.results import TeamReport
from simulation.team import Team

PASSWORD_VARIABLE = "MASKWRIGHT_ADMIN_PASSWORD"


def main(arguments: Sequence[str]) -> int:
    """Run one shift; 0 when no request failed, no pair mismatched and everybody finished."""
    options = _parser().parse_args(arguments)
    try:
        pictures = read_coco_folder(options.images, options.split)[: options.limit]
    except (FileNotFoundError, BadSegmentation, json.JSONDecodeError) as problem:
        print(f"The images cannot be read: {problem}", file=sys.stderr)
        return 2
    try:
        report = _run(options, pictures)
    except (NotPrepared, Refused, SignInFailed, OSError) as problem:
        print(f"The shift could not begin: {problem}", file=sys.stderr)
        return 2
    for words in report.tally.failures:
        print(words, file=sys.stderr)
    print(json.dumps(report.summary()))
    return 0 if report.is_clean else 1


def _run(options: argparse.Namespace, pictures: Sequence[CocoPicture]) -> TeamReport:
    password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"{options.admin}'s password: ")
    preparation = Preparation(admin_client(options.url.rstrip("/"), options.admin, password))
    project = preparation.project(options.project or f"Simulated team {options.seed}")
    references = preparation.images(project, pictures)
    names = [f"simulated-{number}" for number in range(1, options.people + 1)]
    sessions = [preparation.annotator(project, name) for name in names]
    preparation.wait_for_embeddings(project)
    return Team(project=project, references=references, seed=options.seed).work(sessions)


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
