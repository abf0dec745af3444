"""The worker's Celery app: `celery -A model_server.worker.celery_app worker -Q embed -P solo`.

Messages are acknowledged when they are taken. A job whose worker dies is rung again by the web side's
tick, which alone knows from the job's row that this is needed.
"""

from __future__ import annotations

from celery import Celery

from common.broker import TRANSPORT_OPTIONS, celery_url
from common.pulse import pulse_step
from model_server.worker.settings import read_settings

app = Celery("model_server", broker=celery_url(read_settings().redis_url))
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    broker_transport_options=TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    imports=["model_server.worker.tasks"],
)
app.steps["worker"].add(pulse_step(lambda: read_settings().redis_url))
