"""What drf-spectacular must be told about our ways."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension

ADDRESS_NAME = "schema"


class SessionScheme(OpenApiAuthenticationExtension):
    """The session cookie, with the X-CSRFToken header on every write."""

    target_class = "annotator.api.access.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
