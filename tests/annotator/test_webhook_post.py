"""Requests to webhooks: only to public addresses, within a time, without redirects."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django.fixtures import Settings

from annotator.errors import Invalid
from annotator.services import webhook_addresses
from annotator.services.webhook_addresses import check_url, is_public
from annotator.services.webhook_post import Answer, post
from tests.webhook_receiver import running_receiver


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1", "receiver.test"]


def send(url: str, patience: float = 10.0) -> Answer:
    return post(url=url, body=b'{"cup": "\xc3\xbc"}', headers={"X-Cup": "1"}, patience=patience)


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """The address of a server that sends these bytes at once and then nothing, with the line left open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[socket.socket] = []

        def serve() -> None:
            line, _ = server.accept()
            lines.append(line)
            line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()
        for line in lines:
            line.close()


def test_the_bytes_arrive_as_they_are_and_the_answer_is_kept_short() -> None:
    with running_receiver() as receiver:
        receiver.words = b"a\x00b\n" + b"z" * 5000
        answer = send(receiver.url)
    [got] = receiver.got
    assert (got.path, got.body) == ("/in?team=7", b'{"cup": "\xc3\xbc"}')
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}" and got.headers["x-cup"] == "1"
    assert (answer.status_code, answer.is_success) == (200, True)
    assert answer.excerpt == "a b " + "z" * 496 and answer.duration_ms >= 0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with running_receiver() as receiver:
        receiver.status = status
        receiver.answer_headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
        answer = send(receiver.url)
    assert (answer.status_code, answer.is_success) == (status, False)
    assert [got.path for got in receiver.got] == ["/in?team=7"]


@pytest.mark.parametrize("status", [199, 204, 299, 400, 410, 500])
def test_only_200_to_299_is_a_success(status: int) -> None:
    assert Answer(status, 1).is_success == (200 <= status < 300)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n"],
    ids=["mute", "mid", "head"],
)
def test_who_does_not_finish_an_answer_is_cut_off(answer: bytes) -> None:
    with listening(answer) as url:
        found = send(url, patience=0.3)
    assert found == Answer(None, found.duration_ms, "No answer within 0.3 s.")


def test_a_status_whose_text_never_comes_counts() -> None:
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyes") as url:
        assert send(url, patience=0.3).status_code == 200


def test_what_is_no_http_and_nobody_at_home_are_answers_too() -> None:
    with listening(b"220 mail.example ESMTP\r\n") as url:
        assert send(url).excerpt == "What came is no HTTP answer: BadStatusLine."
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").excerpt == "Connection refused"
    assert send("http://nobody.invalid/").status_code is None


def test_https_wants_a_certificate_that_somebody_trusts() -> None:
    with running_receiver() as receiver:
        answer = send(receiver.url.replace("http:", "https:"))
    assert answer.status_code is None and receiver.got == []
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.0.192",
        "168.63.129.16", "::1", "::", "fe80::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)
    written = f"[{address}]" if ":" in address else address
    if address != "127.0.0.1":
        with pytest.raises(Invalid):
            check_url(f"http://{written}/")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "[::1]"])
def test_a_name_that_leads_inside_is_refused_when_something_is_sent(host: str) -> None:
    with running_receiver() as receiver:
        answer = send(f"http://{host}:{receiver.port}/")
    assert receiver.got == [] and answer.status_code is None
    assert "private network" in answer.excerpt


def found(*addresses: str, port: int) -> list[tuple[object, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]


def test_one_address_inside_among_others_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_receiver() as receiver:
        both = found("93.184.215.14", "127.0.0.1", port=receiver.port)
        monkeypatch.setattr(webhook_addresses.socket, "getaddrinfo", lambda *_, **__: both)
        assert "private network" in send(f"http://mixed.test:{receiver.port}/").excerpt
    assert receiver.got == []


def test_a_name_is_looked_up_once_and_what_was_found_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    with running_receiver() as receiver:

        def look_up(host: str, port: int, **kwargs: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return found("127.0.0.1", port=receiver.port)

        monkeypatch.setattr(webhook_addresses.socket, "getaddrinfo", look_up)
        answer = send("http://receiver.test:81/")
    assert answer.status_code == 200 and asked == ["receiver.test"]
    assert receiver.got[0].headers["host"] == "receiver.test:81"


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "http://", "http:///x",
        "https://name:word@hooks.example/", "https://hooks.example/#part", "https://hooks.example:0/",
        "https://hooks.example:99999/", "https://hooks.example/a b", "https://hooks.example/\r\nX: 1",
        "https://hafen.exämple/", "https://[::1/", "https://" + "a" * 64 + ".example/",
        "https://hooks.example/" + "a" * 500, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    "url", ["https://hooks.example/in?x=1", "http://hooks.example:8080", "HTTPS://Hooks.Example/"]
)
def test_an_address_is_accepted_without_looking_its_name_up(url: str) -> None:
    check_url(url)
