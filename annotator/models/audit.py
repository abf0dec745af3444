"""Append-only record of who did what, and of the exports and imports made."""

from __future__ import annotations

import uuid

from django.db import models

from annotator.models.jobs import Job
from annotator.models.people import Person
from annotator.models.projects import Project


class AuditEntry(models.Model):
    """One act worth remembering: sign-in links, roles, uploads, rounds, promotions, exports."""

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL)
    act = models.CharField(max_length=64)
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"])]


class Export(models.Model):
    """A file made from a project's accepted masks."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="exports")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="export")
    format = models.CharField(max_length=16)
    part = models.JSONField(default=dict)  # what its masks had to be; {}: all of them
    with_pictures = models.BooleanField(default=False)  # beside the masks, in one zip file
    file_key = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    num_masks = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)


class Import(models.Model):
    """A data set that somebody sent as a zip file, kept until its job is over, or that lies in the server's folder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="import_of")
    name = models.CharField(max_length=255)
    file_key = models.CharField(max_length=200)  # "": `name` is an entry of the server's folder
    report = models.JSONField(default=dict)  # what became of it; {} before
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
