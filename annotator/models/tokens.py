"""API tokens: how a person's scripts sign in."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotator.models.people import Person


class TokenScope(models.TextChoices):
    """What a token may be used for, of what its person may do; every token may read."""

    READ = "read"
    ANNOTATE = "annotate"
    MANAGE = "manage"
    ADMIN = "admin"


class ApiToken(models.Model):
    """Stands for a person in scripts until it expires. Only its secret's hash is kept; revoking removes the row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=16, choices=TokenScope))
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="token_has_a_name"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=TokenScope.values)
                & models.Q(scopes__contains=[TokenScope.READ]),
                name="token_scopes_are_known_and_read",
            ),
        ]
