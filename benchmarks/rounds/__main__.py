"""`python -m benchmarks.rounds`: six rounds of a simulated team, with a control arm.

`run` does one arm with a product of its own and writes a line of JSON after each shift; `table` puts arms
beside each other. docs/simulation.md says what is simulated.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from benchmarks.rounds.arm import ArmSettings, run_arm
from benchmarks.rounds.chart import chart
from benchmarks.rounds.table import ARMS, read_arms, tables
from benchmarks.tables import DOCUMENT, describe_run, write_section
from launcher.failures import LaunchFailure
from simulation.client import Refused
from simulation.http_session import SignInFailed
from simulation.project import NotPrepared

PROBLEMS = (LaunchFailure, NotPrepared, Refused, SignInFailed, FileNotFoundError, ValueError)
TITLE = "Six rounds with a control arm"
COMMAND = "python -m benchmarks.rounds"
METHOD = "What was done and what the columns mean: [simulation](simulation.md#do-rounds-make-the-model-better)."
HELP = {
    "rounds": "rounds, each between two shifts",
    "held_out": "pictures that models are scored on and the team never sees",
    "gate_percent": "of the team's pictures, kept from training for the product's gate",
    "limit": "pictures for the team in all",
    "objects": "of a picture at most, the largest",
    "clicks": "on a held-out mask at most",
    "people": "annotators at once",
    "steps": "of a round",
    "learning_rate": "of a round",
    "train_encoder": "whether rounds change the image encoder too, so that every embedding is made again",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all went well."""
    asked = _parser().parse_args(arguments)
    try:
        return _run(asked) if asked.command == "run" else _table(asked)
    except PROBLEMS as problem:
        print(problem, file=sys.stderr)
        return 1


def _run(asked: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the product is taken down
    settings = ArmSettings(
        **{entry.name: getattr(asked, entry.name) for entry in fields(ArmSettings)}
    )
    is_clean = run_arm(settings, asked.out / f"{settings.arm}-{settings.seed}.jsonl")
    return 0 if is_clean else 1


def _table(asked: argparse.Namespace) -> int:
    parts = []
    for folder in asked.folders:
        common, arms = read_arms(folder)
        told = ", ".join(f"{name} {value}" for name, value in common.items() if name != "images")
        trained = "whole model" if common["train_encoder"] else "decoder"
        heading = f"### {common['images']}, {trained}"
        part = f"{heading}\n\n{told}; seeds {_seeds(arms)}\n\n{tables(arms)}"
        if asked.write:
            name = f"rounds-{common['images']}-{trained.replace(' ', '-')}.svg"
            image = DOCUMENT.parent / "images" / name
            image.write_text(chart(arms))
            part += f"\n\n![Both arms by round](images/{image.name})"
        parts.append(part)
    text = "\n\n".join(parts)
    print(text)
    if asked.write:
        write_section(TITLE, f"{describe_run(COMMAND)}. {METHOD}\n\n{text}")
    return 0


def _seeds(arms: dict[tuple[str, int], dict[int, dict[str, float]]]) -> str:
    return ", ".join(str(seed) for seed in sorted({seed for _, seed in arms}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounds", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="one arm")
    run.add_argument("--weights", type=Path, required=True, help="to start from, .json beside it")
    run.add_argument("--images", type=Path, required=True, help="COCO folder")
    run.add_argument("--arm", choices=ARMS, required=True)
    run.add_argument("--seed", type=int, required=True)
    run.add_argument("--out", type=Path, required=True, help="folder of ARM-SEED.jsonl")
    for entry in fields(ArmSettings):
        if entry.default is not MISSING:
            option = "--" + entry.name.replace("_", "-")
            told = f"{HELP[entry.name]} (%(default)s)"
            if isinstance(entry.default, bool):
                run.add_argument(
                    option,
                    action=argparse.BooleanOptionalAction,
                    default=entry.default,
                    help=HELP[entry.name],
                )
            else:
                run.add_argument(option, type=type(entry.default), default=entry.default, help=told)
    table = commands.add_parser("table", help="arms beside each other")
    table.add_argument("folders", type=Path, nargs="+", help="of one data set each")
    table.add_argument("--write", action="store_true", help="into docs/benchmarks.md, with charts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
