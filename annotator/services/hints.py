"""Tells open pages that something changed. A hint may be lost: pages read the truth over HTTP."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.utils import timezone
from redis.exceptions import RedisError

from annotator.models import Person, Project

PATIENCE_S = 0.5  # a broker that hangs must not hold up a save
QUIET_S = 10.0  # and not every save
log = structlog.get_logger("maskwright.hints")


@dataclass
class _Quiet:
    """After a broker's failure this process sends no hints until then (monotonic seconds)."""

    until: float = 0.0


_quiet = _Quiet()


def send_hint(*, project: Project, kind: str) -> None:
    """`kind` is images, throughput, jobs or models. Never raises: a dead broker costs a hint, no more."""
    if time.monotonic() < _quiet.until:
        return
    message = {"type": "hint", "kind": kind, "at": timezone.now().isoformat()}
    _send(group=f"project.{project.id.hex}", message=message)


def recheck_sockets(*, person: Person) -> None:
    """Has each open socket of the person ask again whether it may stay. Never raises.

    One that the broker did not reach asks before it sends its next hint, so that nothing is told either way.
    """
    _send(group=f"person.{person.id.hex}", message={"type": "recheck", "kind": "recheck"})


def _send(*, group: str, message: dict[str, str]) -> None:
    layer = get_channel_layer()

    async def send() -> None:
        await asyncio.wait_for(layer.group_send(group, message), PATIENCE_S)

    try:
        async_to_sync(send)()
    except (RedisError, OSError) as error:  # a TimeoutError is an OSError
        _quiet.until = time.monotonic() + QUIET_S
        log.warning("hint lost", kind=message["kind"], reason=str(error))
