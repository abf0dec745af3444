"""Pictures that a project's guidelines show."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.images import Picture
from annotator.models.projects import Project


class GuidelinePicture(models.Model):
    """A picture that the guidelines name; it is no image to annotate."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="guideline_pictures"
    )
    name = models.CharField(max_length=255)  # what `![…](name)` says
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], name="one_guideline_picture_per_name"
            ),
        ]
