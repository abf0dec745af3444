"""Which of the services that this process needs answer right now."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import Error, connection

from annotator.services.stores import file_storage


def check_services() -> dict[str, bool]:
    return {
        "database": _database_answers(),
        "broker": _broker_answers(),
        "storage": _storage_answers(),
    }


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _broker_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _storage_answers() -> bool:
    """An object store is asked; of a local folder it is enough that it can be made and measured."""
    storage = file_storage()
    try:
        if storage.free_bytes() is None:
            storage.exists("ready")
    except OSError:
        return False
    return True
