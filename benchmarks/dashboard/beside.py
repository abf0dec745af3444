"""The manager's pages beside the dashboard: what they hold in a seeded project, and what they ask."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from annotator.models import (
    Image,
    MaskAudit,
    MaskSource,
    Person,
    Project,
    Rating,
    RatingStudy,
    StudiedMask,
    Webhook,
    WebhookEvent,
)
from annotator.queries.agreements import num_references, people_scores
from annotator.queries.annotator_agreement import annotator_agreements
from annotator.queries.images import page_with_state
from annotator.queries.mask_audits import audit_result, audits_of
from annotator.queries.mask_checks import counts_by_check, findings_of, num_unchecked
from annotator.queries.model_versions import current_model_version
from annotator.queries.quality import people_quality, review_totals
from annotator.queries.ratings import next_to_rate, progress_of, studies_of, study_result
from annotator.queries.reviews import (
    QueueFilter,
    authors_to_review,
    counts_by_state,
    review_queue,
)
from annotator.queries.round_history import round_history
from annotator.queries.statistics import mask_statistics
from annotator.queries.webhooks import deliveries_of, last_deliveries, webhooks_of
from annotator.services.mask_audits import start_audit
from annotator.services.ratings import start_study

STUDIED = 200  # masks of the study
AUDITED = 50  # images of the audit
QUEUE_PAGE, GRID_PAGE, LOG_PAGE = 200, 48, 50  # rows, as the pages ask for them

# A delivery with its attempt for each image that was handed in: what a webhook for that one event has been told.
DELIVERIES = """
WITH told AS (
  INSERT INTO annotator_webhookdelivery (id, webhook_id, event, body, state, due_at, num_failures, created_at)
  SELECT gen_random_uuid(), %(webhook)s, 'image.submitted', '{}', 'delivered', NULL, 0, assignment.ended_at
  FROM annotator_assignment AS assignment JOIN annotator_image AS image ON image.id = assignment.image_id
  WHERE image.project_id = %(project)s AND assignment.state = 'submitted'
  RETURNING id, created_at
)
INSERT INTO annotator_webhookattempt (delivery_id, at, status_code, duration_ms, excerpt)
SELECT id, created_at, 200, 40, 'ok' FROM told
"""


def add_the_rest(project: Project) -> None:
    """A rating study, an audit and a webhook, each used for a while."""
    people = list(Person.objects.filter(memberships__project=project).order_by("name"))
    start_audit(project=project, num_images=AUDITED, seed=1, by=people[0])
    study = start_study(
        project=project, num_masks=STUDIED, sources=[MaskSource.ANNOTATED], seed=1, by=people[0]
    )
    studied = list(StudiedMask.objects.filter(study=study).order_by("id"))
    Rating.objects.bulk_create(
        Rating(studied=one, rater=person, rating=1 + (7 * place + 3 * number) % 10)
        for number, person in enumerate(people)
        for place, one in enumerate(studied[:-1])
    )
    webhook = Webhook.objects.create(
        project=project, url="https://receiver.example/", events=[WebhookEvent.IMAGE_SUBMITTED]
    )
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES, {"webhook": webhook.id, "project": project.id})


def _last_images(project: Project) -> list[Image]:
    """What the grid shows at its end."""
    images = Image.objects.filter(project=project, deleted_at=None)
    offset = max(0, images.count() - GRID_PAGE)
    model = current_model_version()
    return page_with_state(images, model=model, offset=offset, limit=GRID_PAGE)


def page_questions(project: Project) -> dict[str, Callable[[], object]]:
    """What each page asks, all days at once, by what it shows."""
    study = RatingStudy.objects.filter(project=project).first()
    audit = MaskAudit.objects.filter(project=project).first()
    rater = Person.objects.filter(memberships__project=project).order_by("name").first()
    assert study is not None and audit is not None and rater is not None
    queue = list(review_queue(project, QueueFilter())[:QUEUE_PAGE])
    return {
        "quality: automatic checks": lambda: (counts_by_check(project), num_unchecked(project)),
        "quality: reviewers": lambda: review_totals(project),
        "quality: people": lambda: people_quality(project),
        "quality: reference images": lambda: (num_references(project), people_scores(project)),
        "quality: agreement": lambda: list(annotator_agreements(project)),
        "quality: audits": lambda: [audit_result(one) for one in audits_of(project)],
        "quality: rating studies": lambda: [study_result(one) for one in studies_of(project)],
        "rating: the next mask": lambda: (next_to_rate(study, rater), progress_of(study, rater)),
        "review: the first page": lambda: list(review_queue(project, QueueFilter())[:QUEUE_PAGE]),
        "review: how many, by state": lambda: counts_by_state(project),
        "review: of whom": lambda: authors_to_review(project),
        "review: findings of the page": lambda: findings_of(queue),
        "review: an audit": lambda: list(
            review_queue(project, QueueFilter(state=None, audit=audit.id))[:QUEUE_PAGE]
        ),
        "statistics": lambda: mask_statistics(project),
        "rounds: the history": lambda: round_history(project),
        "images: the last page": lambda: _last_images(project),
        "webhooks: how each does": lambda: last_deliveries(webhooks_of(project)),
        "webhooks: the log": lambda: [
            (list(found[:LOG_PAGE]), found.count())
            for found in map(deliveries_of, webhooks_of(project))
        ],
    }
