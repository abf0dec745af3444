"""Copies of images that people work on to be compared, and what the comparisons found."""

from __future__ import annotations

from django.db import models

from annotator.models.images import Image
from annotator.models.people import Person


class CopyPurpose(models.TextChoices):
    REFERENCE = "reference"  # to be compared with the masks of its original
    AGREEMENT = (
        "agreement"  # to be compared with what others made of the same picture, each on their own
    )
    PRACTICE = "practice"  # to learn on; its person sees at once how it compares, nobody else does


class ImageCopy(models.Model):
    """An image that one person works on without the masks of its original; it lies in a hidden project of theirs."""

    image = models.OneToOneField(
        Image, primary_key=True, on_delete=models.CASCADE, related_name="copied_from"
    )
    original = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="copies")
    purpose = models.CharField(max_length=16, choices=CopyPurpose)
    created_at = models.DateTimeField(auto_now_add=True)
    handed_in_at = models.DateTimeField(null=True)  # for the first time; known once it was compared

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose__in=CopyPurpose.values), name="copy_purpose_is_known"
            ),
        ]


class Agreement(models.Model):
    """How far the masks of a copy, as they were handed in first, agree with those of another image of its picture.

    Derived from masks; that with a reference image is made again when the image is marked again. Means are over
    the matched masks; null without any.
    """

    id = models.BigAutoField(primary_key=True)
    copy = models.ForeignKey(ImageCopy, on_delete=models.CASCADE, related_name="agreements")
    other = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    annotator = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    # Who made the masks of `other`; null for a reference image, whose masks are whoever's they are.
    other_annotator = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+"
    )
    num_matched = models.PositiveIntegerField()
    num_only_here = models.PositiveIntegerField()
    num_only_there = models.PositiveIntegerField()
    mean_iou = models.FloatField(null=True)
    mean_boundary_iou = models.FloatField(null=True)
    handed_in_at = models.DateTimeField()  # the later of the two
    compared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["copy", "other"], name="two_images_are_compared_once"),
            models.CheckConstraint(
                condition=models.Q(
                    num_matched=0, mean_iou__isnull=True, mean_boundary_iou__isnull=True
                )
                | models.Q(num_matched__gt=0, mean_iou__gte=0, mean_iou__lte=1)
                & models.Q(mean_boundary_iou__gte=0, mean_boundary_iou__lte=1),
                name="an_agreement_has_means_of_matched_masks",
            ),
        ]
