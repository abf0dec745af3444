"""How Celery speaks to the broker, the same on both sides."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

TRANSPORT_OPTIONS = {
    # Longer than any job: an unacknowledged message must never be given to a second worker.
    "visibility_timeout": 24 * 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 3,
    "socket_timeout": 30,
}


def celery_url(redis_url: str) -> str:
    """Celery's spelling of a Redis address: `unix://PATH?db=1` is `redis+socket://PATH?virtual_host=1`.

    Raises `ValueError` for an address that is not of Redis.
    """
    parts = urlsplit(redis_url)
    if parts.scheme in {"redis", "rediss"}:
        return redis_url
    if parts.scheme != "unix":
        raise ValueError(
            f"REDIS_URL begins with {parts.scheme!r}: write redis://, rediss:// or unix://."
        )
    number = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"
