"""Invitations: how a manager lets somebody new into a project."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.people import Person
from annotator.models.projects import Project, Role


class Invitation(models.Model):
    """A link that works once: whoever opens it joins a project in a role. Only the hash of its secret is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=16, choices=Role)
    label = models.CharField(max_length=120, blank=True)  # whom it is for, for the managers' eyes
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="invitation_role_is_known"
            ),
        ]
