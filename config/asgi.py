"""The server's application: pages, API and files over HTTP, hints over WebSocket."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

# The apps must be loaded before anything that imports models.
from annotator.consumers import websocket_urlpatterns  # noqa: E402
from annotator.middleware import BodyLimit  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(
            http, limit=settings.MAX_BODY_BYTES, upload_limit=settings.MAX_UPLOAD_BYTES
        ),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
