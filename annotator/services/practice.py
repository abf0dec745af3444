"""How what somebody made of a practice image compares with its known masks, worked out when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.errors import Conflict
from annotator.models import Assignment, AssignmentState, CopyPurpose, ImageCopy, Mask
from annotator.models.masks import ACCEPTED
from annotator.queries.image_copies import good_masks
from annotator.services.mask_history import stored_runs
from common.agreement import SetAgreement, agreement


@dataclass(frozen=True)
class PractisedObject:
    """A pair, a known mask that was missed (`mask` is None), or one that has none like it (`known` is None)."""

    mask: Mask | None
    known: Mask | None
    iou: float | None = None
    boundary_iou: float | None = None


@dataclass(frozen=True)
class PracticeResult:
    agreement: SetAgreement
    comparisons: list[PractisedObject]  # the known ones in their order, then what is beyond them


def practice_result(assignment: Assignment) -> PracticeResult:
    """Compares the masks of a practice image that was handed in, as they are now; nothing is kept.

    Raises `Conflict` for any other image, and before it is handed in.
    """
    copies = ImageCopy.objects.filter(
        image=assignment.image_id, purpose=CopyPurpose.PRACTICE, original__deleted_at=None
    )
    copy = copies.select_related("original").first()
    if copy is None:
        raise Conflict("This image is not one to practise on.", code="not_practice")
    if assignment.state != AssignmentState.SUBMITTED:
        raise Conflict("Hand the image in to see how close it is.", code="not_handed_in")
    made = list(Mask.objects.filter(ACCEPTED, image=copy.image_id).order_by("order_index", "id"))
    known = list(good_masks(copy.original).order_by("order_index", "id"))
    picture = assignment.image.picture
    found = agreement(
        [stored_runs(mask.counts, picture=picture) for mask in made],
        [stored_runs(mask.counts, picture=picture) for mask in known],
        height=picture.height,
        width=picture.width,
    )
    return PracticeResult(found, _objects(found, made, known))


def _objects(found: SetAgreement, made: list[Mask], known: list[Mask]) -> list[PractisedObject]:
    by_known = {pair.second: pair for pair in found.pairs}
    matched = {pair.first for pair in found.pairs}
    objects = []
    for place, mask in enumerate(known):
        pair = by_known.get(place)
        objects.append(
            PractisedObject(made[pair.first], mask, pair.iou, pair.boundary_iou)
            if pair
            else PractisedObject(None, mask)
        )
    extra = [mask for place, mask in enumerate(made) if place not in matched]
    return objects + [PractisedObject(mask, None) for mask in extra]
