"""The one place where an error becomes a status and one JSON shape: {"error": {code, message, field}}."""

from __future__ import annotations

import sys

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from annotator.errors import DomainError, NotInScope

log = structlog.get_logger("maskwright.errors")

NOT_FOUND = "There is nothing here, or it is not yours to see."
CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "wrong_method",
    406: "bad_request",
    413: "too_large",
    415: "wrong_type",
    429: "too_many_requests",
}
MESSAGES = {
    400: "The request cannot be read.",
    401: "Please sign in.",
    403: "Your role does not include this.",
    404: NOT_FOUND,
    500: "Something went wrong here; the request id helps to find it in the log.",
    503: "The database does not answer; please try again.",
}


def error_body(
    *, code: str, message: str, field: str | None = None, extra: dict[str, object] | None = None
) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "field": field}, **(extra or {})}


def reply_to_exception(error: Exception, context: dict[str, object]) -> Response | None:
    """DRF's exception door: None lets an unexpected error reach the 500 page and the log."""
    set_rollback()
    if isinstance(error, (Http404, exceptions.NotFound)):
        error = NotInScope(NOT_FOUND)
    if isinstance(error, DomainError):
        return _domain_reply(error)
    if isinstance(error, (RequestDataTooBig, TooManyFilesSent)):
        return Response(error_body(code="too_large", message=str(error)), status=413)
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        field, code, message = _first_problem(error.get_full_details(), "")
        return Response(error_body(code=code, message=message, field=field or None), status=422)
    if isinstance(error, exceptions.APIException):
        return _framework_reply(error)
    return None


def _domain_reply(error: DomainError) -> Response:
    message = NOT_FOUND if error.status == 404 else error.message
    code = "not_found" if error.status == 404 else error.code
    field = None if error.status == 404 else error.field
    extra = {} if error.status == 404 else error.extra
    reply = Response(
        error_body(code=code, message=message, field=field, extra=extra), status=error.status
    )
    if error.status == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 429 and "retry_after" in error.extra:
        reply.headers["Retry-After"] = str(error.extra["retry_after"])
    return reply


def _framework_reply(error: exceptions.APIException) -> Response:
    status = error.status_code
    detail = str(error.detail)
    code = "csrf_failed" if detail.startswith("CSRF Failed") else CODES.get(status, "bad_request")
    if status in (401, 403) and code != "csrf_failed":
        detail = MESSAGES[status]
    reply = Response(error_body(code=code, message=detail), status=status)
    if getattr(error, "auth_header", None):
        reply.headers["WWW-Authenticate"] = error.auth_header
    return reply


def _first_problem(details: object, path: str) -> tuple[str, str, str]:
    """The first refused field of DRF's nested answer, as (dotted path, code, message)."""
    if isinstance(details, dict) and {"message", "code"} <= details.keys():
        return path, str(details["code"]), str(details["message"])
    if isinstance(details, dict):
        name, inner = next(iter(details.items()))
        name = "" if name == "non_field_errors" else str(name)
        return _first_problem(inner, f"{path}.{name}".strip("."))
    if isinstance(details, list):
        number, inner = next((n, d) for n, d in enumerate(details) if d)
        several = len(details) > 1 or "code" not in inner
        return _first_problem(inner, f"{path}.{number}".strip(".") if several else path)
    return path, "invalid", str(details)


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    """JSON below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return JsonResponse(error_body(code=code, message=message), status=status)
    try:
        return render(request, "error.html", {"status": status, "message": message}, status=status)
    except TemplateDoesNotExist:
        return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, (RequestDataTooBig, TooManyFilesSent)):
        return _answer(request, 413, "too_large", str(exception))
    return _answer(request, 400, "bad_request", MESSAGES[400])


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "not_allowed", MESSAGES[403])


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "not_found", NOT_FOUND)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, 403, "csrf_failed", f"The request carried no valid token: {reason}")


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database could not be asked."""
    error = sys.exc_info()[1]
    if isinstance(error, (OperationalError, InterfaceError)):
        response = _server_answer(request, 503, "unavailable")
        response.headers["Retry-After"] = "2"
        return response
    return _server_answer(request, 500, "internal")


def _server_answer(request: HttpRequest, status: int, code: str) -> HttpResponse:
    """JSON below /api/; elsewhere a page that asks nothing of the request or the database."""
    if request.path.startswith("/api/"):
        return JsonResponse(error_body(code=code, message=MESSAGES[status]), status=status)
    try:
        context = {"message": MESSAGES[status], "status": status}
        text = render_to_string("500.html", {**context, "static_base": settings.STATIC_BASE})
    except Exception:  # whatever broke the first page may break this one
        log.exception("the error page failed")
        return HttpResponse(MESSAGES[status], status=status, content_type="text/plain")
    return HttpResponse(text, status=status)
