"""Projects and who belongs to them."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.people import Person

DEFAULT_HELD_OUT_PERCENT = 10
MAX_HELD_OUT_PERCENT = 50


class OverlapRule(models.TextChoices):
    ALLOWED = "allowed"
    EXCLUSIVE = "exclusive"
    PARENT_CHILD = "parent_child"


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    MANAGER = "manager"


class Project(models.Model):
    """A set of images, people, guidelines and rounds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    guidelines = models.TextField(blank=True, max_length=20000)
    overlap_rule = models.CharField(max_length=16, choices=OverlapRule, default=OverlapRule.ALLOWED)
    held_out_percent = models.PositiveSmallIntegerField(default=DEFAULT_HELD_OUT_PERCENT)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    people = models.ManyToManyField(Person, through="Membership", related_name="projects")

    class Meta:
        constraints = [
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
