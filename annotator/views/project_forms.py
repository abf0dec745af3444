"""Reading what forms about projects say."""

from __future__ import annotations

from annotator.errors import Invalid
from annotator.models import OverlapRule

MAX_NAME = 120


def written_name(text: str) -> str:
    """The name of a project, with single spaces; raises `Invalid`."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or "\x00" in name:
        raise Invalid(f"A project needs a name of at most {MAX_NAME} characters.", field="name")
    return name


def written_rule(word: str) -> OverlapRule:
    """Raises `Invalid` for a word that is no rule."""
    if word not in OverlapRule.values:
        raise Invalid(f"{word!r} is no overlap rule.", field="overlap_rule")
    return OverlapRule(word)
