"""What a look at a mask's pixels found."""

from __future__ import annotations

from django.db import models

from annotator.models.masks import Mask


class MaskCheck(models.Model):
    """Derived from a mask's pixels and its neighbours'; made again when they change, and may be at any time."""

    mask = models.OneToOneField(
        Mask, primary_key=True, on_delete=models.CASCADE, related_name="pixel_check"
    )
    counts_sha256 = models.CharField(max_length=64)  # of the pixels that were looked at
    mask_updated_at = models.DateTimeField(db_index=True)  # the mask's, then
    num_specks = models.PositiveIntegerField()
    hull_area = models.FloatField()  # pixels of the convex hull
    # Another mask of the image with nearly the same pixels, and the IoU of the two.
    twin = models.ForeignKey(Mask, null=True, on_delete=models.SET_NULL, related_name="+")
    twin_iou = models.FloatField(null=True)
