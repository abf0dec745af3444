"""A signed-in person at the product, over real HTTP with the standard library."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BOUNDARY = "maskwright-form-boundary"
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class SignInFailed(Exception):
    """A form for signing in was refused; the text says which and how."""


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of one answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON; an empty one is None."""
        return json.loads(self.content) if self.content else None


class _Unredirected(urllib.request.HTTPRedirectHandler):
    """Show redirects to the caller instead of following them."""

    def redirect_request(self, *_unused: object) -> None:
        return None


@dataclass
class HttpSession:
    """Cookies and the anti-forgery header of one person's browser. For one thread at a time."""

    url: str
    timeout_s: float = 30.0
    _jar: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._jar), _Unredirected()
        )

    def cookies(self) -> dict[str, str]:
        """Cookies by name."""
        return {cookie.name: cookie.value or "" for cookie in self._jar}

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """Send one request; `body` goes as JSON, `content` as it is. Raises OSError without an answer."""
        sent = {"Origin": self.url, "X-CSRFToken": self.cookies().get("csrftoken", "")}
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.url + path, data=content, method=method, headers=sent | dict(headers or {})
        )
        try:
            with self._opener.open(request, timeout=self.timeout_s) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers), error.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: the answer broke off: {error!r}") from error

    def get(self, path: str) -> Reply:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, body: object = None) -> Reply:
        """POST JSON."""
        return self.request("POST", path, {} if body is None else body)

    def upload(self, path: str, files: Mapping[str, bytes]) -> Reply:
        """POST files as multipart form data, each under the field `files`."""
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            f"Content-Type: application/octet-stream\r\n\r\n".encode()
            + content
            + b"\r\n"
            for name, content in files.items()
        ]
        return self.request(
            "POST",
            path,
            content=b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"},
        )

    def use_link(self, link: str, password: str) -> None:
        """Set a password through a one-time link, which signs the person in. Raises `SignInFailed`."""
        path = urllib.parse.urlsplit(link).path
        self._send_form(path, {"password": password, "repeated": password})

    def sign_in(self, name: str, password: str) -> None:
        """Sign in with name and password. Raises `SignInFailed`."""
        self._send_form("/sign-in", {"name": name, "password": password})

    def _send_form(self, path: str, fields: dict[str, str]) -> None:
        page = self.get(path)
        found = _FORM_TOKEN.search(page.content.decode(errors="replace"))
        if page.status != 200 or found is None:
            raise SignInFailed(f"{path} answered {page.status} and shows no form")
        form = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": found.group(1)})
        reply = self.request(
            "POST",
            path,
            content=form.encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": self.url + path,
            },
        )
        if reply.status != 302:
            raise SignInFailed(f"{path} answered {reply.status}: name, password or link is wrong")
