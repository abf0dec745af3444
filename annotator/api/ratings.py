"""Rating studies: beginning one and its numbers, for managers; the next mask and its rating, for every member."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.api.csv_text import CSV_FILE, csv_file, csv_text
from annotator.api.descriptions import RleReply, describe_rle
from annotator.api.endpoint import Endpoint, StrictSerializer
from annotator.api.fields import StrictInteger
from annotator.models import (
    HIGHEST_RATING,
    LOWEST_RATING,
    MaskSource,
    RatingStudy,
    StudiedMask,
    TokenScope,
)
from annotator.queries.ratings import (
    StudyResult,
    StudyToRate,
    find_studied,
    next_to_rate,
    progress_of,
    rating_rows,
    studies_of,
    studies_to_rate,
    study_result,
)
from annotator.queries.scope import find_managed_project, find_managed_study, find_study
from annotator.services.mask_audits import MAX_SEED
from annotator.services.ratings import MAX_MASKS, rate, start_study

COLUMNS = (
    "source", "mask", "version", "image", "image_name", "rater", "rating", "rated_at",
)  # fmt: skip


class StudyBody(StrictSerializer):
    num_masks = StrictInteger(min_value=1, max_value=MAX_MASKS)
    sources = serializers.ListField(
        child=serializers.ChoiceField(MaskSource.choices),
        max_length=len(MaskSource),
        default=[MaskSource.ANNOTATED.value],
    )
    seed = StrictInteger(min_value=0, max_value=MAX_SEED)


class RatingBody(StrictSerializer):
    rating = StrictInteger(min_value=LOWEST_RATING, max_value=HIGHEST_RATING)


class SourceReply(serializers.Serializer[object]):
    source = serializers.ChoiceField(MaskSource.choices)
    num_masks = serializers.IntegerField()
    num_rated = serializers.IntegerField()
    num_ratings = serializers.IntegerField()
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="of the ratings 1 to 10"
    )
    mean = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True
    )


class StudyReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    seed = serializers.IntegerField()
    num_raters = serializers.IntegerField()
    sources = SourceReply(many=True)
    created_at = serializers.DateTimeField()


class StudiesReply(serializers.Serializer[object]):
    studies = StudyReply(many=True)


class StudiedMaskReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    image = serializers.UUIDField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    rle = RleReply()


class NextToRateReply(serializers.Serializer[object]):
    num_rated = serializers.IntegerField(help_text="by oneself")
    num_masks = serializers.IntegerField()
    next = StudiedMaskReply(allow_null=True, help_text="its source is not told")


def describe_study(result: StudyResult) -> dict[str, object]:
    study = result.study
    return {
        "id": str(study.id),
        "seed": study.seed,
        "num_raters": result.num_raters,
        "sources": [{**vars(one), "num_ratings": one.num_ratings} for one in result.sources],
        "created_at": study.created_at,
    }


def _describe_studied(studied: StudiedMask) -> dict[str, object]:
    image = studied.mask.image
    return {
        "id": str(studied.id),
        "image": str(image.id),
        "width": image.picture.width,
        "height": image.picture.height,
        "rle": describe_rle(studied.counts, image.picture),
    }


class RatingStudies(Endpoint):
    """A project's rating studies, newest first, and a new one."""

    write_scope = TokenScope.MANAGE

    @extend_schema(operation_id="rating_studies_list", responses=StudiesReply)
    def get(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        results = [study_result(study) for study in studies_of(project)]
        return Response({"studies": [describe_study(one) for one in results]})

    @extend_schema(request=StudyBody, responses={201: StudyReply})
    def post(self, request: Request, project_id: UUID) -> Response:
        project = find_managed_project(person=self.person, project_id=project_id)
        study = start_study(project=project, by=self.person, **self.read(StudyBody))
        return Response(describe_study(study_result(study)), status=201)


class OneRatingStudy(Endpoint):
    """The numbers of a study by source."""

    @extend_schema(responses=StudyReply)
    def get(self, request: Request, study_id: UUID) -> Response:
        study = find_managed_study(person=self.person, study_id=study_id)
        return Response(describe_study(study_result(study)))


class RatingsFile(Endpoint):
    """Every rating as CSV."""

    @extend_schema(responses=CSV_FILE)
    def get(self, request: Request, study_id: UUID) -> HttpResponse:
        study = find_managed_study(person=self.person, study_id=study_id)
        return csv_file("ratings", csv_text(COLUMNS, rating_rows(study)))


class NextToRate(Endpoint):
    """The mask that the person has to rate next; null when all are rated."""

    @extend_schema(responses=NextToRateReply)
    def get(self, request: Request, study_id: UUID) -> Response:
        return Response(self._next(find_study(person=self.person, study_id=study_id)))

    def _next(self, study: RatingStudy) -> dict[str, object]:
        num_rated, num_masks = progress_of(study, self.person)
        found = next_to_rate(study, self.person)
        shown = None if found is None else _describe_studied(found)
        return {"num_rated": num_rated, "num_masks": num_masks, "next": shown}


class OneRating(Endpoint):
    """One's own rating of a mask; sent again it takes the place of the first."""

    write_scope = TokenScope.ANNOTATE

    @extend_schema(request=RatingBody, responses=RatingBody)
    def put(self, request: Request, study_id: UUID, studied_id: UUID) -> Response:
        studied = find_studied(find_study(person=self.person, study_id=study_id), studied_id)
        kept = rate(studied=studied, rater=self.person, **self.read(RatingBody))
        return Response({"rating": kept.rating})


class StudyToRateReply(serializers.Serializer[object]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    project_name = serializers.CharField()
    num_rated = serializers.IntegerField(help_text="by oneself")
    num_masks = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class StudiesToRateReply(serializers.Serializer[object]):
    studies = StudyToRateReply(many=True)


class MyRatingStudies(Endpoint):
    """Studies of the last 30 days that have masks left for oneself to rate, newest first."""

    @extend_schema(responses=StudiesToRateReply)
    def get(self, request: Request) -> Response:
        found = studies_to_rate(self.person, now=timezone.now())
        return Response({"studies": [_describe_to_rate(one) for one in found]})


def _describe_to_rate(one: StudyToRate) -> dict[str, object]:
    return {
        "id": str(one.study.id),
        "project": str(one.study.project_id),
        "project_name": one.study.project.name,
        "num_rated": one.num_rated,
        "num_masks": one.num_masks,
        "created_at": one.study.created_at,
    }


urls: list[URLPattern] = [
    path("my-rating-studies", MyRatingStudies.as_view(), name="my-studies"),
    path("projects/<uuid:project_id>/rating-studies", RatingStudies.as_view(), name="studies"),
    path("rating-studies/<uuid:study_id>", OneRatingStudy.as_view(), name="study"),
    path("rating-studies/<uuid:study_id>/ratings.csv", RatingsFile.as_view(), name="ratings-file"),
    path("rating-studies/<uuid:study_id>/next", NextToRate.as_view(), name="next-to-rate"),
    path(
        "rating-studies/<uuid:study_id>/ratings/<uuid:studied_id>",
        OneRating.as_view(),
        name="rating",
    ),
]
