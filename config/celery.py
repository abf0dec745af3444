"""The Celery app of the web side: it sends jobs by name and records what model workers report."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

from common.pulse import pulse_step

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("maskwright")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["annotator"])
app.steps["worker"].add(pulse_step(lambda: settings.REDIS_URL))
