"""Rating studies: drawing the sample, and keeping what raters say."""

from __future__ import annotations

import random
from collections.abc import Collection

from django.db import transaction

from annotator.errors import Conflict, Invalid
from annotator.models import (
    Mask,
    MaskSource,
    Person,
    Project,
    Rating,
    RatingStudy,
    StudiedMask,
)
from annotator.queries.ratings import masks_of_source
from annotator.services.audit import record_act

MAX_MASKS = 1000  # of one source; the paper's number per data set


def start_study(
    *, project: Project, num_masks: int, sources: Collection[str], seed: int, by: Person
) -> RatingStudy:
    """Draws so many masks of each source, at most all of them, and keeps them as they are now.

    Raises `Invalid` for an unknown source or none, `Conflict` when a source has no masks.
    """
    unknown = sorted(set(sources) - set(MaskSource.values))
    if unknown or not sources:
        text = f"Choose at least one of {', '.join(MaskSource.values)}."
        raise Invalid(text, code="bad_source", field="sources")
    chosen = [source for source in MaskSource if source in sources]
    with transaction.atomic():
        study = RatingStudy.objects.create(
            project=project, seed=seed, sources=[str(one) for one in chosen], created_by=by
        )
        for source in chosen:
            _draw(study, source, num_masks)
        record_act(
            person=by,
            project=project,
            act="rating_study.started",
            subject=str(study.id),
            detail={"seed": seed, "num_masks": num_masks, "sources": study.sources},
        )
    return study


def rate(*, studied: StudiedMask, rater: Person, rating: int) -> Rating:
    """Keeps a rating from 1 to 10; another one of the same person takes its place."""
    kept, _ = Rating.objects.update_or_create(
        studied=studied, rater=rater, defaults={"rating": rating}
    )
    return kept


def _draw(study: RatingStudy, source: MaskSource, num_masks: int) -> None:
    ids = sorted(masks_of_source(study.project, source).values_list("id", flat=True))
    if not ids:
        text = f"No {source} mask is large enough and in an image that is handed in."
        raise Conflict(text, code="nothing_to_rate", field="sources")
    drawn = random.Random(study.seed).sample(ids, min(num_masks, len(ids)))
    StudiedMask.objects.bulk_create(
        StudiedMask(
            study=study, mask=mask, version=mask.version, counts=mask.counts, source=str(source)
        )
        for mask in Mask.objects.filter(id__in=drawn)
    )
