"""WebSocket hints: a page learns that something changed, and reads it again over HTTP.

The origin was checked before (`AllowedHostsOriginValidator`). Here: somebody active is signed in, the project is
in scope, and both still hold at each message; at most five sockets per person and web process; a client has
nothing to say, so one that talks much or long is closed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from importlib import import_module
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone

from annotator.errors import NotInScope
from annotator.models import Person
from annotator.queries.scope import find_project

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
HINT_KINDS = frozenset({"images", "throughput", "jobs", "models"})
SOCKETS_PER_PERSON = 5
MESSAGES_PER_MINUTE = 20
MAX_MESSAGE_CHARACTERS = 200
SECONDS_BETWEEN_HINTS = 1.0

CLOSE_NOT_SIGNED_IN = 4401
CLOSE_NOT_IN_SCOPE = 4404
CLOSE_TOO_MANY = 4429


def group_names(project_id: UUID, person_id: UUID) -> list[str]:
    """The channel-layer groups of one page: all pages of the project, all sockets of the person."""
    return [f"project.{project_id.hex}", f"person.{person_id.hex}"]


class HintPace:
    """Lets one hint of a kind through per second: the first at once, the last of a burst after the pause."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._waiting: set[str] = set()

    def delay(self, kind: str, now: float) -> float | None:
        """Seconds to wait before sending; None when one of this kind is already waiting to be sent."""
        if kind in self._waiting:
            return None
        self._waiting.add(kind)
        return max(0.0, self._last.get(kind, -1e9) + SECONDS_BETWEEN_HINTS - now)

    def sent(self, kind: str, now: float) -> None:
        self._waiting.discard(kind)
        self._last[kind] = now


class ProjectHints(AsyncWebsocketConsumer):
    """/ws/projects/<id>: sends {"kind": one of HINT_KINDS, "at": ISO time}."""

    open_sockets: Counter[UUID] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counted: UUID | None = None
        self.groups: list[str] = []
        self.pace = HintPace()
        self.heard: list[float] = []
        self.sending: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        person = self.scope.get("user")
        if not isinstance(person, Person) or not person.is_active:
            await self._refuse(CLOSE_NOT_SIGNED_IN)
            return
        self.project_id: UUID = self.scope["url_route"]["kwargs"]["project_id"]
        if not await self._still_in_scope():
            await self._refuse(CLOSE_NOT_IN_SCOPE)
            return
        if self.open_sockets[person.id] >= SOCKETS_PER_PERSON:
            await self._refuse(CLOSE_TOO_MANY)
            return
        self.counted = person.id
        self.open_sockets[person.id] += 1
        self.groups = group_names(self.project_id, person.id)
        for group in self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for task in self.sending:
            task.cancel()
        for group in self.groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        if self.counted is not None:
            self.open_sockets[self.counted] -= 1
            if self.open_sockets[self.counted] <= 0:
                del self.open_sockets[self.counted]
            self.counted = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        now = time.monotonic()
        self.heard = [at for at in self.heard if at > now - 60.0] + [now]
        too_long = bytes_data is not None or len(text_data or "") > MAX_MESSAGE_CHARACTERS
        if too_long or len(self.heard) > MESSAGES_PER_MINUTE:
            await self.close(CLOSE_TOO_MANY)

    async def hint(self, message: dict[str, Any]) -> None:
        """A message of the channel layer: {"type": "hint", "kind": …}."""
        kind = message.get("kind")
        if kind not in HINT_KINDS:
            return
        delay = self.pace.delay(kind, time.monotonic())
        if delay is not None:
            task = asyncio.create_task(self._send_later(kind, delay))
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)

    async def recheck(self, message: dict[str, Any]) -> None:
        """A message of the channel layer: the person's rights changed."""
        if not await self._still_in_scope():
            await self.close(CLOSE_NOT_IN_SCOPE)

    async def _send_later(self, kind: str, delay: float) -> None:
        await asyncio.sleep(delay)
        self.pace.sent(kind, time.monotonic())
        if not await self._still_in_scope():
            await self.close(CLOSE_NOT_IN_SCOPE)
            return
        await self.send(json.dumps({"kind": kind, "at": timezone.now().isoformat()}))

    async def _refuse(self, code: int) -> None:
        # Accepted first: a refused handshake hides the code from the page, which would ask for ever.
        await self.accept()
        await self.close(code)

    @database_sync_to_async
    def _still_in_scope(self) -> bool:
        """Read afresh: the session is alive, its person active, and the project still theirs to see."""
        request = HttpRequest()
        request.session = SessionStore(self.scope["session"].session_key)
        person = get_user(request)
        if not isinstance(person, Person) or not person.is_active:
            return False
        try:
            find_project(person=person, project_id=self.project_id)
        except NotInScope:
            return False
        return True


websocket_urlpatterns: list[URLPattern] = [
    path("ws/projects/<uuid:project_id>", ProjectHints.as_asgi()),  # type: ignore[arg-type]
]
