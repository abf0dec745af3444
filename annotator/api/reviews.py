"""Reviews: the masks that wait for a reviewer, decisions about them, and opening one to correct it."""

from __future__ import annotations

from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.descriptions import (
    ImageReply,
    MaskReply,
    OpeningReply,
    ReviewReply,
    describe_image,
    describe_masks,
    describe_opening,
    describe_review,
)
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import CanonicalUuid, StrictFloat, StrictInteger, Text
from annotator.errors import Invalid
from annotator.models import Mask, RejectReason, Review, ReviewOutcome, TokenScope
from annotator.queries.images import image_with_state
from annotator.queries.mask_checks import (
    CHECKS,
    counts_by_check,
    findings_of,
    num_unchecked,
    with_finding,
)
from annotator.queries.model_versions import current_model_version
from annotator.queries.reviews import (
    REVIEW_STATES,
    UNREVIEWED,
    QueueFilter,
    authors_to_review,
    counts_by_state,
    current_reviews,
    review_queue,
    reviews_of,
)
from annotator.queries.scope import find_managed_mask, find_managed_project
from annotator.services.reviews import MAX_PINS, Decision, Pin, decide

ANY = "any"
ON_SIGHT = [ReviewOutcome.ACCEPTED.value, ReviewOutcome.REJECTED.value]


class PinBody(StrictSerializer):
    x = StrictFloat(min_value=0)
    y = StrictFloat(min_value=0)
    note = Text(max_length=500, required=False, allow_blank=True, default="")


class DecisionBody(StrictSerializer):
    decision_id = CanonicalUuid()
    version = StrictInteger(min_value=1)
    outcome = serializers.ChoiceField(ON_SIGHT)
    reason = serializers.ChoiceField(RejectReason.choices, allow_null=True, default=None)
    note = Text(max_length=2000, required=False, allow_blank=True, default="")
    pins = serializers.ListField(child=PinBody(), default=list, max_length=MAX_PINS)


class DecidedReply(ReviewReply):
    returned = serializers.BooleanField()


class QueuedMaskReply(serializers.Serializer[object]):
    mask = serializers.UUIDField()
    image = serializers.UUIDField()
    image_name = serializers.CharField()
    author = serializers.UUIDField(allow_null=True)
    author_name = serializers.CharField()
    state = serializers.ChoiceField(REVIEW_STATES)
    findings = serializers.ListField(child=serializers.ChoiceField(CHECKS))


class AuthorReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class QueueReply(serializers.Serializer[object]):
    masks = QueuedMaskReply(many=True)
    total = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    authors = AuthorReply(many=True)


class ChecksReply(serializers.Serializer[object]):
    found = serializers.DictField(child=serializers.IntegerField())
    unchecked = serializers.IntegerField()


class PastReviewReply(ReviewReply):
    reviewer = serializers.CharField()


class MaskReviewsReply(serializers.Serializer[object]):
    mask = MaskReply()
    image = ImageReply()
    author_name = serializers.CharField()
    findings = serializers.ListField(child=serializers.ChoiceField(CHECKS))
    reviews = PastReviewReply(many=True)


class ReviewQueue(Endpoint):
    """The masks that wait for a reviewer, or were decided on; for managers."""

    filters = frozenset({"state", "author", "image", "audit", "check", "offset", "limit"})

    @extend_schema(
        responses=QueueReply,
        parameters=[
            OpenApiParameter("state", str, enum=[*REVIEW_STATES, ANY]),
            OpenApiParameter("author", str),
            OpenApiParameter("image", str),
            OpenApiParameter("audit", str),
            OpenApiParameter("check", str, enum=list(CHECKS)),
        ],
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        offset, limit = self.page()
        masks = review_queue(project, self._wanted(request))
        if check := request.query_params.get("check"):
            if check not in CHECKS:
                text = f"check={check[:40]!r} is none of {', '.join(CHECKS)}."
                raise Invalid(text, field="check")
            masks = with_finding(masks, check)
        shown = list(masks[offset : offset + limit])
        findings, reviews = findings_of(shown), current_reviews(shown)
        return Response(
            {
                "masks": [
                    _describe_queued(one, findings[one.id], reviews.get(one.id)) for one in shown
                ],
                "total": masks.count(),
                "counts": counts_by_state(project),
                "authors": [
                    {"id": str(id_), "name": name} for id_, name in authors_to_review(project)
                ],
            }
        )

    def _wanted(self, request: Request) -> QueueFilter:
        usual = ANY if "audit" in request.query_params else UNREVIEWED
        state = request.query_params.get("state", usual)
        if state not in {*REVIEW_STATES, ANY}:
            known = ", ".join((*REVIEW_STATES, ANY))
            raise Invalid(f"state={state[:40]!r} is none of {known}.", field="state")
        return QueueFilter(
            state=None if state == ANY else state,
            author=self.uuid("author"),
            image=self.uuid("image"),
            audit=self.uuid("audit"),
        )


class MaskChecks(Endpoint):
    """How many masks each automatic check found something in, rejected ones left out; for managers."""

    @extend_schema(responses=ChecksReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        return Response({"found": counts_by_check(project), "unchecked": num_unchecked(project)})


class MaskReviews(Endpoint):
    """A mask as a reviewer looks at it, with what was decided before; and a decision about it."""

    write_scope = TokenScope.MANAGE

    @extend_schema(responses=MaskReviewsReply)
    def get(self, request: Request, mask_id: UUID) -> Response:
        mask = find_managed_mask(person=self.person, mask_id=mask_id)
        image = image_with_state(mask.image_id)
        [described] = describe_masks([mask], image)
        return Response(
            {
                "mask": described,
                "image": describe_image(image),
                "author_name": mask.author.display_name if mask.author else "",
                "findings": findings_of([mask])[mask.id],
                "reviews": [_describe_past(one) for one in reviews_of(mask)],
            }
        )

    @extend_schema(request=DecisionBody, responses={200: DecidedReply, 201: DecidedReply})
    def post(self, request: Request, mask_id: UUID) -> Response:
        mask = find_managed_mask(person=self.person, mask_id=mask_id)
        body = self.read(DecisionBody)
        decision = Decision(
            decision_id=body["decision_id"],
            version=body["version"],
            outcome=ReviewOutcome(body["outcome"]),
            reason=RejectReason(body["reason"]) if body["reason"] else None,
            note=body["note"],
            pins=tuple(Pin(x=pin["x"], y=pin["y"], note=pin["note"]) for pin in body["pins"]),
        )
        decided = decide(mask=mask, decision=decision, by=self.person)
        described = {**describe_review(decided.review), "returned": decided.returned}
        return Response(described, status=201 if decided.is_new else 200)


class MaskCorrection(Endpoint):
    """What a manager's workbench opens to correct a mask: an image without a lease."""

    @extend_schema(responses=OpeningReply)
    def get(self, request: Request, mask_id: UUID) -> Response:
        mask = find_managed_mask(person=self.person, mask_id=mask_id)
        image = image_with_state(mask.image_id)
        return Response(describe_opening(image, current_model_version()))


def _describe_queued(mask: Mask, findings: list[str], review: Review | None) -> dict[str, object]:
    return {
        "mask": str(mask.id),
        "image": str(mask.image_id),
        "image_name": mask.image.name,
        "author": mask.author_id and str(mask.author_id),
        "author_name": mask.author.display_name if mask.author else "",
        "state": review.outcome if review else UNREVIEWED,
        "findings": findings,
    }


def _describe_past(review: Review) -> dict[str, object]:
    return {**describe_review(review), "reviewer": review.reviewer.display_name}


urls: list[URLPattern] = [
    path("projects/<uuid:project_id>/review-queue", ReviewQueue.as_view(), name="review-queue"),
    path("projects/<uuid:project_id>/mask-checks", MaskChecks.as_view(), name="mask-checks"),
    path("masks/<uuid:mask_id>/reviews", MaskReviews.as_view(), name="mask-reviews"),
    path("masks/<uuid:mask_id>/correction", MaskCorrection.as_view(), name="mask-correction"),
]
