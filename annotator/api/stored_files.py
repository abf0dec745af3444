"""Serving stored files: in blocks, without loading them, cached for ever because names are contents."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from annotator.errors import NotInScope
from annotator.models import Embedding
from annotator.queries.scope import NOTHING
from annotator.services.embeddings import EmbeddingFile
from annotator.services.stores import file_storage
from annotator.services.streaming import file_blocks

IMMUTABLE = "private, max-age=31536000, immutable"
# Whatever the bytes pretend to be, a browser that opens them shows nothing and runs nothing.
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


def stored_headers(*, etag: str) -> dict[str, str]:
    """`etag` is the content's name: it never changes below the same address."""
    return {
        "Cache-Control": IMMUTABLE,
        "ETag": f'"{etag}"',
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }


def is_unchanged(request: Request, *, etag: str) -> bool:
    """Whether the browser says that it holds this content."""
    return f'"{etag}"' in request.headers.get("If-None-Match", "")


def not_modified(*, etag: str) -> HttpResponse:
    return HttpResponse(status=304, headers=stored_headers(etag=etag))


def send_embedding(
    request: Request, *, known: Embedding | None, read: Callable[[], EmbeddingFile]
) -> HttpResponse:
    """An embedding, verified; it is read only when the browser does not hold the known one."""
    if known is not None and is_unchanged(request, etag=known.file_sha256):
        return not_modified(etag=known.file_sha256)
    file = read()
    return HttpResponse(
        file.content,
        content_type="application/octet-stream",
        headers=stored_headers(etag=file.sha256),
    )


def send_stored_file(
    request: Request, *, key: str, content_type: str, etag: str
) -> HttpResponseBase:
    """The file at `key`; raises `NotInScope` when the file is gone."""
    headers = stored_headers(etag=etag)
    if is_unchanged(request, etag=etag):
        return not_modified(etag=etag)
    storage = file_storage()
    try:
        num_bytes = storage.size(key)
        file = storage.open(key)
    except FileNotFoundError as error:
        raise NotInScope(NOTHING) from error
    if request.method == "HEAD":
        file.close()
        response: HttpResponseBase = HttpResponse(content_type=content_type, headers=headers)
    else:
        response = StreamingHttpResponse(
            file_blocks(file), content_type=content_type, headers=headers
        )
    response.headers["Content-Length"] = str(num_bytes)
    return response
