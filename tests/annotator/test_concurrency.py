"""Many at once: no image has two holders, no mask is made twice, no save is lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connections

from annotator.errors import StaleVersion
from annotator.models import (
    Assignment,
    AssignmentState,
    Mask,
    MaskState,
    Membership,
    Person,
    Role,
    SaveReceipt,
)
from annotator.services.assignments import lease_next
from annotator.services.masks import MaskSave, save_mask
from annotator.services.save_receipts import Precondition, SaveReply
from tests.cast import Cast, counts, lend, make_cast, make_image

T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(transactional_db: None) -> Iterator[Cast]:
    yield make_cast()


def at_once(acts: list[Callable[[], T]]) -> list[T | Exception]:
    """Starts all acts together, each with a connection of its own."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | Exception:
        try:
            barrier.wait()
            return act()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def _save(lent: Assignment, mask_id: uuid.UUID, *, grown: int = 0) -> MaskSave:
    return MaskSave(
        save_id=uuid.uuid4(),
        mask_id=mask_id,
        image_id=lent.image_id,
        assignment_id=lent.id,
        state=MaskState.ACCEPTED,
        size=(23, 37),
        counts=counts(grown=grown),
        order_index=0,
    )


def test_ten_people_asking_at_once_get_ten_images(crowd: Cast) -> None:
    people = [Person.objects.create(name=f"p{n}", display_name=f"P{n}") for n in range(10)]
    for person in people:
        Membership.objects.create(project=crowd.project, person=person, role=Role.ANNOTATOR)
    for _ in range(10):
        make_image(crowd.project)
    leases = at_once(
        [lambda one=one: lease_next(person=one, project=crowd.project) for one in people]
    )
    assert all(isinstance(one, list) for one in leases), leases
    # Somebody may find every free image locked for a moment and ask again; nobody shares one.
    again = [lease_next(person=one, project=crowd.project) for one in people]
    assert len({lease[0].image_id for lease in again}) == 10
    assert Assignment.objects.filter(state=AssignmentState.LEASED).count() == 10


def test_two_tabs_of_one_person_get_the_same_image(crowd: Cast) -> None:
    for _ in range(4):
        make_image(crowd.project)
    leases = at_once([lambda: lease_next(person=crowd.alice, project=crowd.project)] * 4)
    assert len({lease[0].id for lease in leases}) == 1  # type: ignore[index]
    assert Assignment.objects.count() == 1


def test_one_save_sent_by_eight_threads_is_one_row_and_one_answer(crowd: Cast) -> None:
    make_image(crowd.project)
    lent = lend(crowd.alice, crowd.project)
    save = _save(lent, uuid.uuid4())
    replies = at_once(
        [lambda: save_mask(person=crowd.alice, save=save, precondition=Precondition(is_new=True))]
        * 8
    )
    assert all(isinstance(reply, SaveReply) for reply in replies), replies
    assert len({json.dumps(reply.body, sort_keys=True) for reply in replies}) == 1  # type: ignore[union-attr]
    assert Mask.objects.get().version == 1
    assert SaveReceipt.objects.count() == 1


def test_of_two_different_creates_of_one_mask_one_wins_and_one_is_stale(crowd: Cast) -> None:
    make_image(crowd.project)
    lent = lend(crowd.alice, crowd.project)
    mask_id = uuid.uuid4()
    replies = at_once(
        [
            lambda grown=grown: save_mask(
                person=crowd.alice,
                save=_save(lent, mask_id, grown=grown),
                precondition=Precondition(is_new=True),
            )
            for grown in (0, 3)
        ]
    )
    assert sum(isinstance(reply, SaveReply) for reply in replies) == 1
    assert sum(isinstance(reply, StaleVersion) for reply in replies) == 1


def test_of_six_updates_of_one_version_one_wins(crowd: Cast) -> None:
    make_image(crowd.project)
    lent = lend(crowd.alice, crowd.project)
    mask_id = uuid.uuid4()
    first = _save(lent, mask_id)
    save_mask(person=crowd.alice, save=first, precondition=Precondition(is_new=True))
    replies = at_once(
        [
            lambda grown=grown: save_mask(
                person=crowd.alice,
                save=_save(lent, mask_id, grown=grown),
                precondition=Precondition(version=1),
            )
            for grown in range(1, 7)
        ]
    )
    assert sum(isinstance(reply, SaveReply) for reply in replies) == 1
    assert sum(isinstance(reply, StaleVersion) for reply in replies) == 5
    assert Mask.objects.get().version == 2


def test_saves_of_different_masks_do_not_wait_for_each_other(crowd: Cast) -> None:
    make_image(crowd.project)
    lent = lend(crowd.alice, crowd.project)
    saves = [_save(lent, uuid.uuid4(), grown=n % 9) for n in range(8)]
    replies = at_once(
        [
            lambda save=save: save_mask(
                person=crowd.alice, save=save, precondition=Precondition(is_new=True)
            )
            for save in saves
        ]
    )
    assert [reply.status for reply in replies] == [201] * 8  # type: ignore[union-attr]
    assert Mask.objects.count() == 8


def test_one_save_id_for_two_masks_at_once_makes_one_mask(crowd: Cast) -> None:
    make_image(crowd.project)
    lent = lend(crowd.alice, crowd.project)
    first = _save(lent, uuid.uuid4())
    saves = [first, replace(first, mask_id=uuid.uuid4())]
    replies = at_once(
        [
            lambda save=save: save_mask(
                person=crowd.alice, save=save, precondition=Precondition(is_new=True)
            )
            for save in saves
        ]
    )
    assert sorted(type(reply).__name__ for reply in replies) == ["Invalid", "SaveReply"]
    assert Mask.objects.count() == SaveReceipt.objects.count() == 1
