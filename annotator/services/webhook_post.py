"""One request to a webhook's address: a public one, within a time, without redirects; whatever comes is an answer."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from annotator.models import MAX_EXCERPT
from annotator.services.webhook_addresses import port_of, resolve

PATIENCE_S = 10.0  # for all of it: connecting, sending, the answer
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Answer:
    """What came of a request; without `status_code` the excerpt says why."""

    status_code: int | None
    duration_ms: int
    excerpt: str = ""

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def post(
    *, url: str, body: bytes, headers: Mapping[str, str], patience: float = PATIENCE_S
) -> Answer:
    """Sends a body; never raises for what the other side does. A redirect is an answer like any other."""
    began = time.monotonic()
    status_code: int | None = None
    try:
        status_code, words = _exchange(urlsplit(url), body, headers, until=began + patience)
    except (OSError, HTTPException) as error:
        is_late = time.monotonic() >= began + patience
        words = f"No answer within {patience:g} s." if is_late else _reason(error)
    duration_ms = round((time.monotonic() - began) * 1000)
    return Answer(status_code, duration_ms, CONTROL.sub(" ", words).strip()[:MAX_EXCERPT])


def _exchange(
    parts: SplitResult, body: bytes, headers: Mapping[str, str], *, until: float
) -> tuple[int, str]:
    """The status and the beginning of the reply's text."""
    host, port = parts.hostname or "", port_of(parts)
    is_encrypted = parts.scheme == "https"
    with closing(_connect(host, port, until)) as bare:
        # The handshake waits, so that the clock watches it too.
        sock = _encrypted(bare, host) if is_encrypted else bare
        with closing(sock), _cut_off(sock, at=until):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            connection = (HTTPSConnection if is_encrypted else HTTPConnection)(host, port)
            connection.sock = sock  # connected by us: the library asks for no address of its own
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            if (
                time.monotonic() >= until
            ):  # cut off: what came of the headers passes for all of them
                raise TimeoutError
            return response.status, _excerpt(response)


def _connect(host: str, port: int, until: float) -> socket.socket:
    last: OSError = OSError(f"{host} has no address")
    for family, where in resolve(host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(0.1, until - time.monotonic()))
            sock.connect(where)
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    raise last


def _encrypted(sock: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)


@contextmanager
def _cut_off(sock: socket.socket, *, at: float) -> Iterator[None]:
    """Ends the connection at a moment (monotonic), also one whose other side sends a byte now and then."""

    def cut() -> None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, at - time.monotonic()), cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _excerpt(response: HTTPResponse) -> str:
    """A status without a readable text is an answer all the same."""
    try:
        return response.read(4 * MAX_EXCERPT).decode(errors="replace")
    except (OSError, HTTPException):
        return ""


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPException) and not isinstance(error, OSError):
        return f"What came is no HTTP answer: {type(error).__name__}."
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
