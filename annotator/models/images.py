"""Images, content-addressed, and the embeddings computed from them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotator.models.people import Person
from annotator.models.projects import Project


class Picture(models.Model):
    """One normalised picture in storage, named by the SHA-256 of its stored bytes; shared by projects."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    source_sha256 = models.CharField(max_length=64, db_index=True)
    # EXIF orientation (1 to 8) of the source, undone in the stored file; null for those stored before it was kept.
    source_orientation = models.PositiveSmallIntegerField(null=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    file_key = models.CharField(max_length=200)
    file_type = models.CharField(max_length=16)
    num_bytes = models.PositiveBigIntegerField()
    num_tile_levels = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    width__gte=16, height__gte=16, width__lte=20000, height__lte=20000
                ),
                name="picture_sides_within_limits",
            ),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="picture_sha256_is_hex"
            ),
            models.CheckConstraint(
                condition=models.Q(source_orientation__isnull=True)
                | models.Q(source_orientation__gte=1, source_orientation__lte=8),
                name="picture_orientation_is_exif",
            ),
            models.CheckConstraint(
                condition=models.Q(file_type__in=["image/jpeg", "image/png"]),
                name="picture_type_is_served",
            ),
        ]


class Image(models.Model):
    """One picture to annotate, in one project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="images")
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="images")
    name = models.CharField(max_length=255)
    order_index = models.BigIntegerField()
    held_out = models.BooleanField(default=False)
    is_reference = models.BooleanField(default=False)  # its masks are known to be good
    is_practice = models.BooleanField(default=False)  # the same, and people learn on copies of it
    deleted_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "order_index"])]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "picture"], name="a_picture_once_per_project"
            ),
        ]


class Embedding(models.Model):
    """A cached output of an image encoder: named by picture, crop rectangle and encoder fingerprint.

    The row exists when the file was written and checked; the file may be rebuilt at any time. `expires_at` is set for
    a part of a picture, which is kept for as long as somebody looks at it; whole pictures stay.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="embeddings")
    crop = ArrayField(models.PositiveIntegerField(), size=4)
    encoder_fingerprint = models.CharField(max_length=64)
    file_key = models.CharField(max_length=300)
    file_sha256 = models.CharField(max_length=64)
    num_bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="embedding_expiry",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["picture", "crop", "encoder_fingerprint"], name="one_embedding_per_name"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    crop__len=4, crop__0__lt=models.F("crop__2"), crop__1__lt=models.F("crop__3")
                ),
                name="embedding_crop_is_a_rectangle",
            ),
        ]
