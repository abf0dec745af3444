"""Keeping the keys that a person chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotator.models import ChosenKeys, Person


def save_keys(*, person: Person, keys: Mapping[str, Sequence[str]]) -> ChosenKeys:
    """These are the person's keys from now on: the last save counts, whichever browser it comes from."""
    saved, _ = ChosenKeys.objects.update_or_create(person=person, defaults={"keys": dict(keys)})
    return saved
