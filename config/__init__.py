"""The Django project: settings, addresses, servers. The Celery app is made here so that services can send by name."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
