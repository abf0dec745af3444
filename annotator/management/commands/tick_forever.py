"""`manage.py tick_forever`: runs the tick every few seconds, whatever fails in between."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from annotator.services.tick import tick

log = structlog.get_logger("maskwright.tick")


class Command(BaseCommand):
    help = "Runs the tick every few seconds until it is asked to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=5.0)

    def handle(self, *args: object, **options: object) -> None:
        stop = threading.Event()

        def ask(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, ask)
        signal.signal(signal.SIGINT, ask)
        while not stop.is_set():
            run_once()
            stop.wait(float(str(options["seconds"])))


def run_once() -> None:
    """One tick; a database that is away is logged and tried again."""
    try:
        tick()
    except (Error, OSError) as error:
        log.warning("tick failed", reason=str(error))
    finally:
        close_old_connections()
