"""What every template knows: where this release's static files are served."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def static_release(request: HttpRequest) -> dict[str, str]:
    """`static_base` is the release folder with its slash; plain paths under it, never hashed names."""
    return {"static_base": settings.STATIC_BASE, "static_release": settings.STATIC_RELEASE}
