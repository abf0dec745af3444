"""Every setting of the web side, read once from the environment; docs/settings.md lists them."""

from __future__ import annotations

import os
from pathlib import Path

import structlog
from csp.constants import NONCE, SELF

from common.broker import TRANSPORT_OPTIONS
from config.environment import (
    BadSetting,
    celery_broker,
    database_settings,
    default_home,
    folder_hash,
    read_environment,
)

env = read_environment(os.environ)
BASE_DIR = Path(__file__).resolve().parent.parent
MASKWRIGHT_HOME = Path(env.text("MASKWRIGHT_HOME", str(default_home())))

DEBUG = env.switch("DEBUG")
HTTPS = env.switch("HTTPS")
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("TRUSTED_ORIGINS")
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}
if len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 8:
    raise BadSetting("SECRET_KEY is weak: write at least 32 random characters.")
if "*" in ALLOWED_HOSTS:
    raise BadSetting("ALLOWED_HOSTS=* answers to any name: list the names of this server.")
if DEBUG and not set(ALLOWED_HOSTS) <= LOCAL_HOSTS:
    raise BadSetting(f"DEBUG=1 is for localhost only, not for ALLOWED_HOSTS={ALLOWED_HOSTS}.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "annotator",
]
MIDDLEWARE = [
    "annotator.middleware.RequestIdMiddleware",
    # Before WhiteNoise: without these headers on static files the threaded decoder hangs for ever.
    "annotator.middleware.IsolationHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "annotator.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "annotator.views.context.static_release",
            ],
            "builtins": ["django.contrib.humanize.templatetags.humanize"],  # intcomma
        },
    }
]

# ---- stores ------------------------------------------------------------------------------------
DATABASES = {"default": database_settings(env.text("DATABASE_URL"))}
if env.text("TEST_DATABASE_NAME", ""):
    DATABASES["default"]["TEST"] = {"NAME": env.text("TEST_DATABASE_NAME")}
REDIS_URL = env.text("REDIS_URL")
STORAGE_URL = env.text("STORAGE_URL", (MASKWRIGHT_HOME / "storage").as_uri())
# Published checkpoints that admins may register; the worker of the train queue reads the same folder.
CHECKPOINT_FOLDER = Path(env.text("MASKWRIGHT_CHECKPOINTS", str(MASKWRIGHT_HOME / "checkpoints")))
# Data sets that admins may bring into projects; the web process and its worker read it.
INCOMING_FOLDER = Path(env.text("MASKWRIGHT_INCOMING", str(MASKWRIGHT_HOME / "incoming")))
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
CELERY_BROKER_URL = celery_broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "web"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A request must not hang because the broker is down: the tick rings again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = TRANSPORT_OPTIONS

# ---- people and browsers -----------------------------------------------------------------------
AUTH_USER_MODEL = "annotator.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PUBLIC_URL = env.text("PUBLIC_URL", "http://localhost:8000")
LOGIN_URL = "/sign-in"
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "annotator.api.errors.csrf_failure"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.switch("BEHIND_PROXY") else None
)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = None  # ours is set on every response, static files included
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY = env.switch("BEHIND_PROXY")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE, "'wasm-unsafe-eval'"],
        "style-src": [SELF],
        "worker-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

# ---- static files: one folder per release, because hashed names break relative module imports ----
STATIC_RELEASE = env.text("STATIC_RELEASE", folder_hash(BASE_DIR / "web" / "static"))
STATIC_URL = "/static/"
STATICFILES_DIRS = [(STATIC_RELEASE, BASE_DIR / "web" / "static")]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_BASE = f"{STATIC_URL}{STATIC_RELEASE}/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
WHITENOISE_MIMETYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}


def _is_released(path: str, url: str) -> bool:
    return not DEBUG and url.startswith(STATIC_BASE)


WHITENOISE_IMMUTABLE_FILE_TEST = _is_released

# ---- limits (shown in the pages, asserted in tests) ----------------------------------------------
MAX_IMAGE_BYTES = env.whole("MAX_IMAGE_BYTES", 25 * 2**20, low=1024, high=2**31)
MAX_FILES_PER_UPLOAD = 200
MAX_IMAGES_PER_CHANGE = 1000
MAX_UPLOAD_BYTES = env.whole("MAX_UPLOAD_BYTES", 2**30, low=2**20, high=2**36)
MAX_COCO_BYTES = env.whole("MAX_COCO_BYTES", 500 * 2**20, low=2**20, high=2**36)
MAX_BODY_BYTES = 2 * 2**20
MAX_JSON_DEPTH = 20
MAX_MASKS_PER_IMAGE = 2000
MAX_RUNS_PER_MASK = 400_000
PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
DECODE_SECONDS = env.whole("DECODE_SECONDS", 60, low=1, high=600)
DECODE_MEMORY_BYTES = env.whole("DECODE_MEMORY_BYTES", 3 * 2**30, low=2**28, high=2**36)
STORAGE_RESERVE_BYTES = env.whole("STORAGE_RESERVE_BYTES", 512 * 2**20, low=0, high=2**40)
LEASE_SECONDS = env.whole("LEASE_SECONDS", 1800, low=10, high=7 * 24 * 3600)
# A running job is given up when its worker was silent for so long; workers report every 10 s.
JOB_LEASE_SECONDS = env.whole("JOB_LEASE_SECONDS", 45, low=12, high=3600)
# A candidate that is worse by more than this is not promoted without a reason.
GATE_IOU_MARGIN = env.number("GATE_IOU_MARGIN", 0.01, low=0, high=1)
GATE_MIN_IMAGES = env.whole("GATE_MIN_IMAGES", 5, low=1, high=1000)
# Hosts inside private networks that webhooks may be sent to all the same.
WEBHOOK_PRIVATE_HOSTS = [host.lower() for host in env.words("WEBHOOK_PRIVATE_HOSTS")]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_FILES_PER_UPLOAD
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
FILE_UPLOAD_HANDLERS = ["annotator.api.uploads.CappedFileHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600

# ---- API -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotator.api.access.TokenAuthentication",
        "annotator.api.access.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["annotator.api.access.IsSignedIn"],
    "DEFAULT_PARSER_CLASSES": ["annotator.api.strict_json.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "annotator.api.access.AlwaysJson",
    "EXCEPTION_HANDLER": "annotator.api.errors.reply_to_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Maskwright",
    "DESCRIPTION": "Promptable image annotation: images, assignments, masks, timing, model rounds.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["annotator.api.access.IsSignedIn"],
    "ENUM_NAME_OVERRIDES": {
        "ScheduleKindEnum": "annotator.models.ScheduleKind",
        "ImageStateEnum": "annotator.queries.images.IMAGE_STATES",
        "JobStateEnum": "annotator.models.jobs.JobState",
        "SaveStateEnum": "annotator.api.masks.SAVE_STATES",
        "SkipReasonEnum": "annotator.models.SkipReason",
        "RejectReasonEnum": "annotator.models.RejectReason",
        "FindingsEnum": "annotator.queries.mask_checks.CHECKS",
        "ReviewStateEnum": "annotator.queries.reviews.REVIEW_STATES",
        "ReviewOutcomeEnum": "annotator.models.ReviewOutcome",
        "DecisionEnum": "annotator.api.reviews.ON_SIGHT",
        "MaskStateEnum": "annotator.models.masks.MaskState",
        "TokenScopeEnum": "annotator.models.TokenScope",
        "WebhookEventEnum": "annotator.models.WebhookEvent",
        "MaskSourceEnum": "annotator.models.MaskSource",
        "DeliveryStateEnum": "annotator.models.DeliveryState",
    },
    "SCHEMA_PATH_PREFIX": "/api/v1/",
}

# ---- language, time, logs ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
    },
}
