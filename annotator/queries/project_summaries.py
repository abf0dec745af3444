"""What the projects page shows of each project."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from annotator.models import Assignment, AssignmentState, Mask, MaskState, Person, Project
from annotator.queries.image_copies import num_practice
from annotator.queries.image_counts import ImageCounts, image_counts
from annotator.queries.images import AT_WORK
from annotator.queries.people import roles_of


@dataclass(frozen=True)
class ProjectSummary:
    """What the projects page shows of one project."""

    project: Project
    role: str
    images: ImageCounts
    masks: int
    num_mine: int  # images lent to the person now, or returned by a reviewer
    num_returned: int  # of those, the returned ones
    num_practice: int  # images of the practice set

    @property
    def share_done(self) -> float:
        done = self.images.submitted + self.images.skipped
        return done / self.images.total if self.images.total else 0.0

    @property
    def may_manage(self) -> bool:
        return self.role in {"admin", "manager"}


def project_summaries(*, person: Person, projects: QuerySet[Project]) -> list[ProjectSummary]:
    """What `person` sees of each project, in the order of `projects`."""
    among = projects.order_by().values("pk")
    masks = dict(
        Mask.objects.filter(
            image__project__in=among,
            image__deleted_at=None,
            state=MaskState.ACCEPTED,
            given_up=False,
        )
        .order_by()
        .values_list("image__project")
        .annotate(num_masks=Count("pk"))
    )
    returned = Q(state=AssignmentState.RETURNED)
    mine = {
        project: (num_images, num_returned)
        for project, num_images, num_returned in Assignment.objects.filter(
            image__project__in=among, annotator=person, state__in=AT_WORK
        )
        .values("image__project")
        .annotate(num_images=Count("pk"), num_returned=Count("pk", filter=returned))
        .values_list("image__project", "num_images", "num_returned")
    }
    roles = roles_of(person)
    practice = num_practice(among)
    return [
        ProjectSummary(
            project=project,
            role="admin" if person.is_admin else roles.get(project.pk, ""),
            images=image_counts(project=project),
            masks=masks.get(project.pk, 0),
            num_mine=mine.get(project.pk, (0, 0))[0],
            num_returned=mine.get(project.pk, (0, 0))[1],
            num_practice=practice.get(project.pk, 0),
        )
        for project in projects
    ]
