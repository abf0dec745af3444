"""A project as months of work leave it: masks, their interaction log and their timing rows, in bulk by SQL."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from annotator.models import Membership, ModelVersion, Person, Picture, Project, Promotion, Role
from annotator.queries.model_versions import current_model_version
from annotator.services.pictures import picture_keys
from benchmarks.dashboard.drawings import HEIGHT, IMAGE_STEP, MASK_STEP, NUM_SHAPES, WIDTH, shapes
from common import rle

SCRIPT = Path(__file__).with_name("seed.sql")
MASKS_PER_IMAGE = 31  # on the way from 20 to 44, less the skipped images
WORK_DAYS = 60
ROUNDS = 7  # the first model and six retrainings, as in the paper
BIG_TABLES = (
    *("mask", "maskrevision", "interaction", "masktiming"),
    *("image", "picture", "assignment", "embedding"),
)
FILE_TYPE = "image/jpeg"
BATCH = 1000  # pictures
NAMES = Path(__file__).with_name("names.txt").read_text().split()


@dataclass(frozen=True)
class Size:
    """How much to make; the last images of the queue are still to do."""

    masks: int
    people: int
    images: int

    @property
    def done(self) -> int:
        """Images that were worked on, if there are so many."""
        return min(self.images, max(1, round(self.masks / MASKS_PER_IMAGE)))

    @classmethod
    def of(cls, masks: int, *, images: int | None = None) -> Size:
        """As many people as would have made them in about the same time; a fifth of the images is to do."""
        done = max(1, round(masks / MASKS_PER_IMAGE))
        people = max(1, min(48, round(masks**0.5 / 20)))
        return cls(masks=masks, people=people, images=images or done + done // 4 + 20)


@dataclass(frozen=True)
class MadePicture:
    """A picture of HEIGHT × WIDTH pixels; `sha256` is that of its file."""

    sha256: str
    num_bytes: int


def seed_project(
    size: Size,
    *,
    name: str,
    now: datetime,
    pictures: Iterable[MadePicture] | None = None,
) -> Project:
    """The project with its people and models; the last mask was accepted at about `now`.

    Without `pictures` they have no files. The last model is promoted if none is in use.
    """
    luck = random.Random(size.masks)
    with transaction.atomic(), connection.cursor() as cursor, unchecked(cursor):
        project = Project.objects.create(name=name)
        people = [_person(number, project) for number in range(size.people)]
        models = _models(now=now)
        in_use = current_model_version()
        if in_use is None:
            in_use = models[-1]
            Promotion.objects.create(model_version=in_use)
        _write_pictures(cursor, pictures or _without_files(project, size))
        _write_shapes(cursor)
        cursor.execute("CREATE TEMP TABLE seed_people (n int, id uuid, pace float8)")
        cursor.execute("CREATE TEMP TABLE seed_models (n int, id uuid)")
        for number, person in enumerate(people):
            row = [number, person.id, luck.uniform(0.8, 1.35)]
            cursor.execute("INSERT INTO seed_people VALUES (%s, %s, %s)", row)
        for number, one in enumerate(models):
            cursor.execute("INSERT INTO seed_models VALUES (%s, %s)", [number, one.id])
        cursor.execute(SCRIPT.read_text(), _values(project, size, in_use, now))
        cursor.execute("DROP TABLE seed_people, seed_models, seed_picture, seed_shape")
    return project


def _values(project: Project, size: Size, in_use: ModelVersion, now: datetime) -> dict[str, object]:
    """What the script's names stand for."""
    return {
        "project": str(project.id),
        "now": now,
        "masks": size.masks,
        "images": size.images,
        "done": size.done,
        "waiting": size.images // 20,
        "people": size.people,
        "models": ROUNDS,
        "work_days": WORK_DAYS,
        "encoder": in_use.encoder_fingerprint,
        "width": WIDTH,
        "height": HEIGHT,
        "shapes": NUM_SHAPES,
        "image_step": IMAGE_STEP,
        "mask_step": MASK_STEP,
    }


def _without_files(project: Project, size: Size) -> Iterator[MadePicture]:
    for number in range(size.images):
        sha256 = hashlib.sha256(f"{project.id} {number}".encode()).hexdigest()
        yield MadePicture(sha256=sha256, num_bytes=1)


def _write_pictures(cursor: CursorWrapper, pictures: Iterable[MadePicture]) -> None:
    cursor.execute("CREATE TEMP TABLE seed_picture (n serial, sha256 text)")
    coming = iter(pictures)
    while batch := list(islice(coming, BATCH)):
        rows = [_picture(one) for one in batch]
        Picture.objects.bulk_create(rows, ignore_conflicts=True)  # projects share them
        names = [one.sha256 for one in batch]
        cursor.execute("INSERT INTO seed_picture (sha256) SELECT unnest(%s)", [names])


def _picture(made: MadePicture) -> Picture:
    file_key, _ = picture_keys(sha256=made.sha256, file_type=FILE_TYPE)
    return Picture(
        sha256=made.sha256,
        source_sha256=made.sha256,
        source_orientation=1,
        width=WIDTH,
        height=HEIGHT,
        file_key=file_key,
        file_type=FILE_TYPE,
        num_bytes=made.num_bytes,
    )


def _write_shapes(cursor: CursorWrapper) -> None:
    cursor.execute(
        """CREATE TEMP TABLE seed_shape
        (n int, counts text, counts_sha256 text, area int, box int[], hull_area float8, prompts jsonb)"""
    )
    for number, one in enumerate(shapes()):
        prompt = {"kind": "point", "x": one.x, "y": one.y, "label": 1}
        row = [number, one.counts, rle.counts_sha256(one.counts), one.area, list(one.box)]
        row += [one.hull_area, json.dumps([prompt])]
        cursor.execute("INSERT INTO seed_shape VALUES (%s, %s, %s, %s, %s, %s, %s)", row)


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


def _models(*, now: datetime) -> list[ModelVersion]:
    """Of each round one; old ones have encoders of their own, whose embeddings are gone."""
    models: list[ModelVersion] = []
    for number in range(ROUNDS):
        models.append(_model(number, parent=models[-1] if models else None, now=now))
    return models


def _model(number: int, *, parent: ModelVersion | None, now: datetime) -> ModelVersion:
    name = "compact" if number == 0 else f"round {number}"
    model = ModelVersion.objects.create(
        name=name,
        bundle_fingerprint=secrets.token_hex(32),
        encoder_fingerprint=hashlib.sha256(f"encoder {name}".encode()).hexdigest(),
        manifest={"input_size": 512, "files": {}},
        parent=parent,
    )
    made_at = now - timedelta(days=90 - 12 * number)
    ModelVersion.objects.filter(id=model.id).update(created_at=made_at)
    return model
