"""The pictures of a project's guidelines."""

from __future__ import annotations

from django.db.models import QuerySet

from annotator.errors import NotInScope
from annotator.models import GuidelinePicture, Project
from annotator.queries.scope import NOTHING


def guideline_pictures(project: Project) -> QuerySet[GuidelinePicture]:
    """By name, each with its picture."""
    found = GuidelinePicture.objects.filter(project=project)
    return found.select_related("picture").order_by("name")


def find_guideline_picture(*, project: Project, sha256: str) -> GuidelinePicture:
    """One that shows this picture; raises `NotInScope`."""
    found = guideline_pictures(project).filter(picture_id=sha256).first()
    if found is None:
        raise NotInScope(NOTHING)
    return found
