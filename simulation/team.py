"""A shift: several simulated annotators at work at once, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.decoding import Graphs
from simulation.annotator import Annotator
from simulation.behaviour import Behaviour
from simulation.client import Client, Refused, Tally
from simulation.http_session import HttpSession
from simulation.project import Say
from simulation.references import ImageReferences
from simulation.results import TeamReport

TELL_EVERY_S = 5.0


@dataclass
class Team:
    """Annotators of one project who share nothing but the machine."""

    project: str
    references: Mapping[str, ImageReferences]
    seed: int
    behaviour: Behaviour = field(default_factory=Behaviour)
    say: Say = print

    def work(self, sessions: Sequence[HttpSession]) -> TeamReport:
        """One annotator for each session, until the queue is empty for all."""
        report = TeamReport(people=len(sessions), seed=self.seed, tally=Tally())
        graphs, began = Graphs(), time.monotonic()
        annotators = [
            Annotator(
                client=Client(session, report.tally),
                project=self.project,
                references=self.references,
                graphs=graphs,
                behaviour=self.behaviour,
                seed=self.seed,
                done=report.note,
                name=f"person {number}",
            )
            for number, session in enumerate(sessions, 1)
        ]
        threads = [
            threading.Thread(target=_work, args=(one, report), daemon=True) for one in annotators
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(TELL_EVERY_S)
                if thread.is_alive():
                    self._tell(annotators, report)
        report.images_submitted = sum(one.images_submitted for one in annotators)
        report.decode_ms = [ms for one in annotators for ms in one.decode_ms]
        report.real_seconds = time.monotonic() - began
        return report

    def _tell(self, annotators: Sequence[Annotator], report: TeamReport) -> None:
        submitted = sum(one.images_submitted for one in annotators)
        self.say(
            f"{submitted} images submitted, {len(report.accepted)} masks accepted, "
            f"{report.tally.failed} failed requests"
        )


def _work(annotator: Annotator, report: TeamReport) -> None:
    """One person's thread; whatever stops it is told at the end."""
    try:
        annotator.work()
    except Refused as problem:
        report.note_stop(f"{annotator.name}: {problem}")
    except Exception as problem:
        report.note_stop(f"{annotator.name}: {problem!r}")
        raise
