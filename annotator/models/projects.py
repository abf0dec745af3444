"""Projects and who belongs to them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from annotator.models.people import Person

DEFAULT_HELD_OUT_PERCENT = 10
MAX_HELD_OUT_PERCENT = 50
MAX_REFERENCE_EVERY = 1000
MIN_AGREEMENT_PEOPLE, MAX_AGREEMENT_PEOPLE = 2, 10


class OverlapRule(models.TextChoices):
    ALLOWED = "allowed"
    EXCLUSIVE = "exclusive"
    PARENT_CHILD = "parent_child"


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    MANAGER = "manager"


class ProjectManager(models.Manager["Project"]):
    """The projects that people made: a query that begins here knows nothing of copies."""

    def get_queryset(self) -> models.QuerySet[Project]:
        return super().get_queryset().filter(copies_of=None)


class Project(models.Model):
    """A set of images, people, guidelines and rounds.

    A hidden one, with `copies_of` and `copies_for`, holds the copies of images that one person works on to be
    compared (`ImageCopy`). Nothing but that person's own work on them ever looks inside.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    guidelines = models.TextField(blank=True, max_length=20000)
    overlap_rule = models.CharField(max_length=16, choices=OverlapRule, default=OverlapRule.ALLOWED)
    held_out_percent = models.PositiveSmallIntegerField(default=DEFAULT_HELD_OUT_PERCENT)
    # Each so-many-th image that somebody gets is a copy of a reference image; 0: none is.
    reference_every = models.PositiveSmallIntegerField(default=0)
    references_since = models.DateTimeField(null=True, blank=True)  # when that was set
    shows_reference_scores = models.BooleanField(default=False)  # to whom they are about
    # That share of the images is masked by so many people, each on their own.
    agreement_percent = models.PositiveSmallIntegerField(default=0)
    agreement_people = models.PositiveSmallIntegerField(default=MIN_AGREEMENT_PEOPLE)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    people = models.ManyToManyField(Person, through="Membership", related_name="projects")
    copies_of = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="copy_projects"
    )
    copies_for = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ProjectManager] = ProjectManager()
    with_hidden: ClassVar[models.Manager[Project]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["copies_of", "copies_for"], name="one_hidden_project_per_person"
            ),
            models.CheckConstraint(
                condition=models.Q(copies_of__isnull=True, copies_for__isnull=True)
                | models.Q(copies_of__isnull=False, copies_for__isnull=False),
                name="copies_are_of_a_project_for_a_person",
            ),
            models.CheckConstraint(
                condition=models.Q(reference_every__lte=MAX_REFERENCE_EVERY)
                & ~models.Q(reference_every=1),
                name="not_every_image_is_a_reference",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    agreement_percent__lte=100,
                    agreement_people__gte=MIN_AGREEMENT_PEOPLE,
                    agreement_people__lte=MAX_AGREEMENT_PEOPLE,
                ),
                name="agreement_is_of_a_share_by_several",
            ),
            models.UniqueConstraint(fields=["name"], name="project_name_is_unique"),
            models.CheckConstraint(condition=~models.Q(name=""), name="project_has_a_name"),
            models.CheckConstraint(
                condition=models.Q(overlap_rule__in=OverlapRule.values),
                name="project_overlap_rule_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(held_out_percent__lte=MAX_HELD_OUT_PERCENT),
                name="project_holds_out_at_most_half",
            ),
        ]


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="one_role_per_project"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_is_known"
            ),
        ]
