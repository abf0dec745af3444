"""What every request passes: an id for the logs, isolation headers, static files, a limit on bodies."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from django.http import FileResponse, HttpRequest, HttpResponseBase
from prometheus_client import Histogram
from whitenoise.middleware import WhiteNoiseMiddleware

from annotator.services.streaming import file_blocks

log = structlog.get_logger("maskwright.request")

ISOLATION_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
UPLOAD_PATH = re.compile(
    r"/api/v1/projects/[0-9a-f-]{36}/(images|imports|guideline-pictures)|/projects/[0-9a-f-]{36}/guidelines"
)
QUIET_PREFIXES = ("/static/", "/healthz", "/readyz", "/metrics")

REQUEST_SECONDS = Histogram(
    "maskwright_request_seconds", "Time from request to response", ["method", "route", "status"]
)
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Gives each request an id, binds it to every log line, answers it, and logs one line at the end."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-Id", "")
        request_id = sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        if not request.path.startswith(QUIET_PREFIXES):
            self._log_line(request, response, time.perf_counter() - started)
            self._measure(request, response, time.perf_counter() - started)
        return response

    def _measure(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        # Only routes and methods that we know: a label is kept for ever.
        route = request.resolver_match.route if request.resolver_match else "none"
        method = request.method if request.method in KNOWN_METHODS else "other"
        REQUEST_SECONDS.labels(method, route, response.status_code).observe(seconds)

    def _log_line(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        # `request.user` is left alone: reading it here could ask the database again.
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )


class IsolationHeadersMiddleware:
    """Cross-origin isolation and `nosniff` on every response, static files and errors included."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, content in ISOLATION_HEADERS.items():
            response.headers[name] = content
        return response


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, with its files sent block by block under the asynchronous server."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = WhiteNoiseMiddleware.serve(static_file, request)
        if isinstance(response, FileResponse) and response.file_to_stream is not None:
            response.streaming_content = file_blocks(response.file_to_stream)
        return response


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _BodyTooLarge(Exception):
    """More bytes arrived than the address accepts."""


class BodyLimit:
    """ASGI: answers 413 before a body larger than its address accepts is spooled to disk."""

    def __init__(self, inner: Application, *, limit: int, upload_limit: int) -> None:
        self.inner = inner
        self.limit = limit
        self.upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self.upload_limit if UPLOAD_PATH.fullmatch(scope["path"]) else self.limit
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            await self._refuse(send, limit)
            return
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _BodyTooLarge
            return message

        try:
            await self.inner(scope, counting_receive, send)
        except _BodyTooLarge:
            await self._refuse(send, limit)

    async def _refuse(self, send: Send, limit: int) -> None:
        text = f"The request is larger than the {limit:,} bytes this address accepts."
        body = json.dumps({"error": {"code": "too_large", "message": text, "field": None}}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        headers += [(k.lower().encode(), v.encode()) for k, v in ISOLATION_HEADERS.items()]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
