"""The paper's study of mask quality: people look at masks drawn at random and rate each from 1 to 10."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotator.models.masks import Mask
from annotator.models.people import Person
from annotator.models.projects import Project

LOWEST_RATING, HIGHEST_RATING = 1, 10


class MaskSource(models.TextChoices):
    """Where rated masks come from, which raters are not told."""

    ANNOTATED = "annotated", "made here"
    IMPORTED = "imported", "imported"
    REFERENCE = "reference", "of reference images"  # wherever they were made


class RatingStudy(models.Model):
    """Masks drawn by a seed, so many of each source; nothing changes the sample afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rating_studies")
    seed = models.PositiveIntegerField()
    sources = ArrayField(models.CharField(max_length=16, choices=MaskSource))
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)


class StudiedMask(models.Model):
    """A mask as it was when the sample was drawn: what raters see, whatever becomes of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(RatingStudy, on_delete=models.CASCADE, related_name="masks")
    mask = models.ForeignKey(Mask, on_delete=models.PROTECT, related_name="studied")
    version = models.PositiveIntegerField()
    counts = models.TextField()
    source = models.CharField(max_length=16, choices=MaskSource)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "mask"], name="a_mask_once_per_study"),
        ]


class Rating(models.Model):
    """What one person thinks of one mask; the last word counts."""

    id = models.BigAutoField(primary_key=True)
    studied = models.ForeignKey(StudiedMask, on_delete=models.CASCADE, related_name="ratings")
    rater = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    rating = models.PositiveSmallIntegerField()
    rated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["studied", "rater"], name="one_rating_per_rater"),
            models.CheckConstraint(
                condition=models.Q(rating__gte=LOWEST_RATING, rating__lte=HIGHEST_RATING),
                name="a_rating_is_from_1_to_10",
            ),
        ]
