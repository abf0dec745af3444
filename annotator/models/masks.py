"""Masks with their append-only history, and the receipts that make a retry free."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotator.models.assignments import Assignment
from annotator.models.images import Image
from annotator.models.people import Person
from annotator.models.rounds import ModelVersion


class MaskState(models.TextChoices):
    DRAFT = "draft"
    ACCEPTED = "accepted"
    DELETED = "deleted"


class MaskOrigin(models.TextChoices):
    """Where a mask began. Work on an imported mask never makes it one that was annotated here."""

    ANNOTATED = "annotated"
    IMPORTED = "imported"


# Accepted masks that were not given up on: all, those that people began and finished here, those that came
# with a data set.
ACCEPTED = models.Q(state=MaskState.ACCEPTED, given_up=False)
MADE_HERE = models.Q(state=MaskState.ACCEPTED, given_up=False, origin=MaskOrigin.ANNOTATED)
ACCEPTED_IMPORTED = models.Q(state=MaskState.ACCEPTED, given_up=False, origin=MaskOrigin.IMPORTED)


class MaskContent(models.Model):
    """The columns that a mask and each row of its history share."""

    state = models.CharField(max_length=16, choices=MaskState)
    counts = models.TextField()  # COCO compressed RLE; its size is the image's, never repeated here
    counts_sha256 = models.CharField(max_length=64)
    area = models.PositiveBigIntegerField()
    box = ArrayField(models.PositiveIntegerField(), size=4)  # x0 y0 x1 y1, half-open
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT)
    predicted_iou = models.FloatField(null=True)
    prompts = models.JSONField(default=list)
    given_up = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Mask(MaskContent):
    """A mask as it is now, made by one person in one image. The id is the browser's.

    An imported mask has no author until somebody works on it.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="masks")
    origin = models.CharField(max_length=16, choices=MaskOrigin, default=MaskOrigin.ANNOTATED)
    author = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="masks")
    assignment = models.ForeignKey(
        Assignment, null=True, on_delete=models.PROTECT, related_name="masks"
    )
    # The mask that this one is a part of, as its browser says. A part may arrive before its parent, whose save
    # may even be refused, so nothing but the id is promised.
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="parts",
    )
    version = models.PositiveIntegerField(default=1)
    order_index = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    is_withdrawn = models.BooleanField(default=False)  # from what later rounds train on

    class Meta:
        indexes = [
            models.Index(fields=["image", "state", "order_index"]),
            models.Index(fields=["accepted_at"]),
            # What the dashboard asks of masks, so that it never reads their large rows.
            models.Index(
                fields=["image", "accepted_at"],
                include=["id", "author", "model_version", "area"],
                condition=MADE_HERE,
                name="masks_made_here",
            ),
            models.Index(
                fields=["image"],
                include=["area"],
                condition=ACCEPTED_IMPORTED,
                name="masks_imported",
            ),
            models.Index(
                fields=["image"], condition=models.Q(given_up=True), name="masks_given_up"
            ),
            # What is new since a round, which the tick asks every few seconds.
            models.Index(
                fields=["updated_at"],
                condition=models.Q(state="accepted"),
                name="accepted_masks_by_change",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=MaskState.values), name="mask_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(origin__in=MaskOrigin.values), name="mask_origin_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(author__isnull=False) | models.Q(origin="imported"),
                name="an_annotated_mask_has_an_author",
            ),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="mask_version_from_1"),
            models.CheckConstraint(
                condition=~models.Q(state="accepted") | models.Q(accepted_at__isnull=False),
                name="an_accepted_mask_has_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="accepted")
                | models.Q(area__gt=0)
                | models.Q(given_up=True),
                name="an_accepted_mask_is_not_empty",
            ),
            models.CheckConstraint(
                condition=models.Q(counts_sha256__regex=r"^[0-9a-f]{64}$"),
                name="mask_counts_sha256_is_hex",
            ),
        ]


class MaskRevision(MaskContent):
    """Append-only history: what a mask was at one version. Rows are never changed or removed."""

    id = models.BigAutoField(primary_key=True)
    mask = models.ForeignKey(Mask, on_delete=models.PROTECT, related_name="revisions")
    version = models.PositiveIntegerField()
    author = models.ForeignKey(Person, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mask", "version"], name="one_row_per_mask_version"),
        ]


class SaveReceipt(models.Model):
    """The stored reply to a save: the same `save_id` sent again gets the same answer, changing nothing."""

    save_id = models.UUIDField(primary_key=True)
    mask = models.ForeignKey(Mask, on_delete=models.CASCADE, related_name="receipts")
    author = models.ForeignKey(Person, on_delete=models.PROTECT)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    reply = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
