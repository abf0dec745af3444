"""Which model version annotators use."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, Max, QuerySet

from annotator.errors import NotInScope
from annotator.models import ModelVersion, Promotion
from annotator.queries.scope import NOTHING


def current_model_version() -> ModelVersion | None:
    """The one promoted last; None before the first promotion."""
    newest = Promotion.objects.select_related("model_version").order_by("-id").first()
    return None if newest is None else newest.model_version


def encoder_is_known(encoder_fingerprint: str) -> bool:
    """Whether some model version uses this encoder."""
    return ModelVersion.objects.filter(encoder_fingerprint=encoder_fingerprint).exists()


def version_with_encoder(encoder_fingerprint: str) -> ModelVersion | None:
    """The one with this encoder that was promoted last: its bundle is there. The newest when none was promoted."""
    versions = ModelVersion.objects.filter(encoder_fingerprint=encoder_fingerprint)
    promoted = F("promoted").desc(nulls_last=True)
    return versions.annotate(promoted=Max("promotions")).order_by(promoted, "-created_at").first()


def find_model_version(*, model_id: UUID) -> ModelVersion:
    """Raises `NotInScope` when there is none."""
    version = all_model_versions().filter(id=model_id).first()
    if version is None:
        raise NotInScope(NOTHING)
    return version


def find_by_fingerprint(bundle_fingerprint: str) -> ModelVersion:
    """Raises `NotInScope` when there is none."""
    version = all_model_versions().filter(bundle_fingerprint=bundle_fingerprint).first()
    if version is None:
        raise NotInScope(NOTHING)
    return version


def all_model_versions() -> QuerySet[ModelVersion]:
    """Newest first, each with the round that made it."""
    return ModelVersion.objects.select_related("round__project").order_by("-created_at", "id")


def promotions() -> QuerySet[Promotion]:
    """Newest first."""
    return Promotion.objects.select_related("model_version", "promoted_by").order_by("-id")
