"""Which of a project's masks an export holds: all accepted ones, or a part of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from annotator.errors import Invalid
from annotator.models import Mask, Person, Project, Round
from annotator.queries.jobs import rounds_of
from annotator.queries.reviews import UNREVIEWED, in_state, reviewed
from annotator.queries.training_sets import accepted_masks


@dataclass(frozen=True, kw_only=True)
class ExportPart:
    """What masks must be to be in; None is any. Days are days in UTC, the last one included.

    `trained_in` is the number of a round: the masks that it trained on, as they were then. It goes with nothing else.
    """

    trained_in: int | None = None
    since_round: int | None = None  # accepted or changed after that round was started
    author: UUID | None = None
    first_day: date | None = None  # of the newest accept
    last_day: date | None = None
    origin: str | None = None  # one of MaskOrigin
    reviewed: bool | None = None  # whether a reviewer accepted or fixed the pixels

    @property
    def is_whole(self) -> bool:
        return self == WHOLE

    def to_json(self) -> dict[str, object]:
        """What was asked for, and nothing else: {} for everything."""
        asked = {name: value for name, value in asdict(self).items() if value is not None}
        plain = (bool, int)
        return {n: value if isinstance(value, plain) else str(value) for n, value in asked.items()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> ExportPart:
        """What `to_json` wrote."""
        readers = {
            "author": UUID,
            "first_day": date.fromisoformat,
            "last_day": date.fromisoformat,
        }
        return cls(**{name: readers.get(name, _as_is)(value) for name, value in told.items()})


WHOLE = ExportPart()


def check_part(*, project: Project, part: ExportPart) -> None:
    """Raises `Invalid` for a part that names something there is not, or that contradicts itself."""
    for name in ("trained_in", "since_round"):
        number = getattr(part, name)
        if number is not None and find_numbered_round(project=project, number=number) is None:
            raise Invalid(f"The project has no round {number}.", code="no_round", field=name)
    if part.trained_in is not None and part != ExportPart(trained_in=part.trained_in):
        text = "What a round trained on is exported as it was then, without other conditions."
        raise Invalid(text, code="not_combined", field="trained_in")
    if part.author is not None and not authors_of(project).filter(id=part.author).exists():
        text = "Nobody of that id has made masks in the project."
        raise Invalid(text, code="no_author", field="author")
    if part.first_day and part.last_day and part.last_day < part.first_day:
        raise Invalid("The last day is before the first.", code="no_days", field="last_day")


def part_masks(project: Project, part: ExportPart) -> QuerySet[Mask]:
    """The accepted masks that a part without `trained_in` holds."""
    masks = accepted_masks(project)
    if part.since_round is not None:
        began = Round.objects.get(project=project, number=part.since_round).job.created_at
        masks = masks.filter(updated_at__gt=began)
    if part.author is not None:
        masks = masks.filter(author_id=part.author)
    if part.first_day is not None:
        masks = masks.filter(accepted_at__gte=_midnight(part.first_day))
    if part.last_day is not None:
        masks = masks.filter(accepted_at__lt=_midnight(part.last_day) + timedelta(days=1))
    if part.origin is not None:
        masks = masks.filter(origin=part.origin)
    if part.reviewed is not None:
        masks = reviewed(masks) if part.reviewed else in_state(masks, UNREVIEWED)
    return masks


def find_numbered_round(*, project: Project, number: int) -> Round | None:
    return rounds_of(project).filter(number=number).first()


def authors_of(project: Project) -> QuerySet[Person]:
    """Everybody who has made or changed masks in the project, members or not, by name."""
    made = Mask.objects.filter(author=OuterRef("pk"), image__project=project)
    return Person.objects.filter(Exists(made)).order_by("display_name", "id")


def find_author(project: Project, name: str) -> Person:
    """One of them by sign-in name, in any case of letters; raises `Invalid` for anybody else."""
    found = None if "\x00" in name else authors_of(project).filter(name__iexact=name).first()
    if found is None:
        raise Invalid(f"Nobody called {name!r} has made masks here.", code="no_author")
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _as_is(value: Any) -> Any:
    return value
