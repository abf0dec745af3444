"""A project as months of work leave it: masks, their interaction log and their timing rows, in bulk by SQL."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from annotator.models import Membership, ModelVersion, Person, Project, Promotion, Role

SCRIPT = Path(__file__).with_name("seed.sql")
MASKS_PER_IMAGE = 31  # on the way from 20 to 44, less the skipped images
WORK_DAYS = 60
ROUNDS = 7  # the first model and six retrainings, as in the paper
BIG_TABLES = ("mask", "interaction", "masktiming", "image", "picture", "assignment", "embedding")
NAMES = Path(__file__).with_name("names.txt").read_text().split()


@dataclass(frozen=True)
class Size:
    """How much to make; the last images of the queue are still to do."""

    masks: int
    people: int

    @property
    def done(self) -> int:
        return max(1, round(self.masks / MASKS_PER_IMAGE))

    @property
    def images(self) -> int:
        return self.done + self.done // 4 + 20

    @classmethod
    def of(cls, masks: int) -> Size:
        """As many people as would have made them in about the same time."""
        return cls(masks=masks, people=max(1, min(48, round(masks**0.5 / 20))))


def seed_project(size: Size, *, name: str, now: datetime) -> Project:
    """The project with its people and models; the last mask was accepted at about `now`."""
    luck = random.Random(size.masks)
    with transaction.atomic(), connection.cursor() as cursor, unchecked(cursor):
        project = Project.objects.create(name=name)
        people = [_person(number, project) for number in range(size.people)]
        models: list[ModelVersion] = []
        for number in range(ROUNDS):
            models.append(_model(number, parent=models[-1] if models else None, now=now))
        before = Promotion.objects.order_by("-id").first()
        Promotion.objects.create(model_version=models[-1], previous=before)
        cursor.execute("CREATE TEMP TABLE seed_people (n int, id uuid, pace float8)")
        cursor.execute("CREATE TEMP TABLE seed_models (n int, id uuid)")
        for number, person in enumerate(people):
            row = [number, person.id, luck.uniform(0.8, 1.35)]
            cursor.execute("INSERT INTO seed_people VALUES (%s, %s, %s)", row)
        for number, model in enumerate(models):
            cursor.execute("INSERT INTO seed_models VALUES (%s, %s)", [number, model.id])
        values = {
            "project": str(project.id),
            "now": now,
            "masks": size.masks,
            "images": size.images,
            "done": size.done,
            "waiting": size.images // 20,
            "people": size.people,
            "models": ROUNDS,
            "work_days": WORK_DAYS,
            "encoder": models[-1].encoder_fingerprint,
        }
        cursor.execute(SCRIPT.read_text(), values)
        cursor.execute("DROP TABLE seed_people, seed_models")
    return project


@contextmanager
def unchecked(cursor: CursorWrapper) -> Iterator[None]:
    """Takes foreign keys and plain indexes off the big tables and puts them back: minutes become seconds."""
    tables = [f"annotator_{name}" for name in BIG_TABLES]
    cursor.execute(
        """SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
        FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY (%s)""",
        [tables],
    )
    keys = cursor.fetchall()
    cursor.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE NOT indisunique AND indrelid::regclass::text = ANY (%s)""",
        [tables],
    )
    indexes = cursor.fetchall()
    for table, name, _ in keys:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in keys:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _person(number: int, project: Project) -> Person:
    name = NAMES[number % len(NAMES)]
    person = Person.objects.create(name=f"{name}-{project.id.hex[:8]}", display_name=name)
    Membership.objects.create(project=project, person=person, role=Role.ANNOTATOR)
    return person


def _model(number: int, *, parent: ModelVersion | None, now: datetime) -> ModelVersion:
    """Old models have encoders of their own; their embeddings are gone."""
    name = "compact" if number == 0 else f"round {number}"
    model = ModelVersion.objects.create(
        name=name,
        bundle_fingerprint=hashlib.sha256(f"{name} {now}".encode()).hexdigest(),
        encoder_fingerprint=hashlib.sha256(f"encoder {name}".encode()).hexdigest(),
        manifest={"input_size": 512, "files": {}},
        parent=parent,
    )
    made_at = now - timedelta(days=90 - 12 * number)
    ModelVersion.objects.filter(id=model.id).update(created_at=made_at)
    return model
