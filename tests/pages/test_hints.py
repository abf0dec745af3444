"""Hints over WebSocket, through the real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from annotator.consumers import (
    CLOSE_NOT_IN_SCOPE,
    CLOSE_NOT_SIGNED_IN,
    CLOSE_TOO_MANY,
    MESSAGES_PER_MINUTE,
    SOCKETS_PER_PERSON,
    HintPace,
    ProjectHints,
)
from annotator.models import Membership, Person
from annotator.services.hints import recheck_sockets, send_hint
from annotator.services.people import remove_member, set_person_active
from config.asgi import application
from tests.cast import Cast, make_cast
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = (b"origin", b"http://localhost")
HOST = (b"host", b"localhost")


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Committed, because the socket reads in another thread."""
    return make_cast()


@pytest.fixture(autouse=True)
def none_open() -> None:
    ProjectHints.open_sockets.clear()


class Socket(ApplicationCommunicator):
    """A browser's end of a WebSocket."""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers}
        super().__init__(application, {**scope, "subprotocols": []})

    async def connect(self) -> bool:
        """Whether the socket was let in."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=PATIENCE_S)
        return bool(answer["type"] == "websocket.accept")

    async def say(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict[str, str]:
        message = await self.receive_output(timeout=PATIENCE_S)
        assert message["type"] == "websocket.send", message
        heard: dict[str, str] = json.loads(message["text"])
        return heard

    async def close_code(self) -> int:
        """The code with which a socket that was let in is closed."""
        message = await self.receive_output(timeout=PATIENCE_S)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=PATIENCE_S)


def socket_of(person: Person | None, cast: Cast, *, origin: tuple[bytes, bytes] = ORIGIN) -> Socket:
    client = Client()
    if person is not None:
        client.force_login(person)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    return Socket(
        f"/ws/projects/{cast.project.id}",
        [origin, HOST, (b"cookie", cookies.encode())],
    )


def run(story: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(story)()


def test_a_member_hears_that_something_changed(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        assert await socket.connect()
        await sync_to_async(send_hint)(project=cast.project, kind="images")
        assert (await socket.hear())["kind"] == "images"
        await socket.leave()

    run(story)


@pytest.mark.parametrize(
    ("who", "code"), [("nobody", CLOSE_NOT_SIGNED_IN), ("mallory", CLOSE_NOT_IN_SCOPE)]
)
def test_strangers_are_turned_away_with_a_reason(cast: Cast, who: str, code: int) -> None:
    socket = socket_of(None if who == "nobody" else cast.by_name(who), cast)

    async def story() -> None:
        await socket.connect()
        assert await socket.close_code() == code

    run(story)


def test_another_site_cannot_open_a_socket(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast, origin=(b"origin", b"https://evil.example"))

    async def story() -> None:
        assert not await socket.connect()

    run(story)


def test_who_leaves_the_project_hears_nothing_more(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        await socket.connect()
        await sync_to_async(Membership.objects.filter(person=cast.alice).delete)()
        await sync_to_async(send_hint)(project=cast.project, kind="throughput")
        assert await socket.close_code() == CLOSE_NOT_IN_SCOPE

    run(story)


def test_who_is_deactivated_hears_nothing_more(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        await socket.connect()
        await sync_to_async(Person.objects.filter(pk=cast.alice.pk).update)(is_active=False)
        await sync_to_async(send_hint)(project=cast.project, kind="throughput")
        assert await socket.close_code() == CLOSE_NOT_IN_SCOPE

    run(story)


@pytest.mark.parametrize("how", ["deactivated", "removed"])
def test_who_is_shut_out_is_cut_off_at_once(cast: Cast, how: str) -> None:
    """No hint comes by: the socket itself is told."""
    socket, others = socket_of(cast.alice, cast), socket_of(cast.bob, cast)

    def shut_out() -> None:
        if how == "deactivated":
            set_person_active(person=cast.alice, is_active=False, by=cast.dan)
        else:
            remove_member(project=cast.project, person=cast.alice, by=cast.carol)

    async def story() -> None:
        assert await socket.connect() and await others.connect()
        await sync_to_async(shut_out)()
        assert await socket.close_code() == CLOSE_NOT_IN_SCOPE
        assert await others.receive_nothing(timeout=0.2)
        await others.leave()

    run(story)


def test_a_change_that_takes_nothing_leaves_the_socket_open(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        assert await socket.connect()
        await sync_to_async(recheck_sockets)(person=cast.alice)
        await sync_to_async(send_hint)(project=cast.project, kind="images")
        assert (await socket.hear())["kind"] == "images"
        await socket.leave()

    run(story)


def test_a_sixth_socket_of_one_person_is_closed(cast: Cast) -> None:
    sockets = [socket_of(cast.alice, cast) for _ in range(SOCKETS_PER_PERSON + 1)]

    async def story() -> None:
        for socket in sockets:
            await socket.connect()
        assert await sockets[-1].close_code() == CLOSE_TOO_MANY
        await sockets[0].leave()
        assert ProjectHints.open_sockets[cast.alice.id] == SOCKETS_PER_PERSON - 1
        for socket in sockets[1:-1]:
            await socket.leave()
        assert not ProjectHints.open_sockets

    run(story)


@pytest.mark.parametrize("words", [["x"] * (MESSAGES_PER_MINUTE + 1), ["x" * 201]])
def test_a_client_that_talks_much_or_long_is_closed(cast: Cast, words: list[str]) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        await socket.connect()
        for word in words:
            await socket.say(word)
        assert await socket.close_code() == CLOSE_TOO_MANY

    run(story)


def test_a_burst_of_hints_becomes_one_now_and_one_a_second_later(cast: Cast) -> None:
    socket = socket_of(cast.alice, cast)

    async def story() -> None:
        await socket.connect()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(10):
            await sync_to_async(send_hint)(project=cast.project, kind="images")
        await socket.hear()
        await socket.hear()
        assert loop.time() - began > 0.9
        assert await socket.receive_nothing(timeout=1.2)
        await socket.leave()

    run(story)


def test_each_kind_keeps_its_own_pace() -> None:
    pace = HintPace()
    assert pace.delay("images", 100.0) == 0.0
    assert pace.delay("images", 100.0) is None
    assert pace.delay("jobs", 100.0) == 0.0
    pace.sent("images", 100.0)
    assert pace.delay("images", 100.25) == pytest.approx(0.75)
