"""What drf-spectacular must be told about our ways."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension

ADDRESS_NAME = "schema"


class TokenScheme(OpenApiAuthenticationExtension):
    """An API token; what it may do is in its scopes."""

    target_class = "annotator.api.access.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):
    """The session cookie, with the X-CSRFToken header on every write."""

    target_class = "annotator.api.access.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
