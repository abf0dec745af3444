"""The keys that a person chose for the workbench."""

from __future__ import annotations

from django.db import models

from annotator.models.people import Person


class ChosenKeys(models.Model):
    """By command, the chords of one person where they differ from the first keys; the page knows the commands."""

    person = models.OneToOneField(
        Person, on_delete=models.CASCADE, primary_key=True, related_name="chosen_keys"
    )
    keys = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now=True)
