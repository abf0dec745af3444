"""The data model, one file per subject."""

from annotator.models.assignments import Assignment, AssignmentState, SkipReason
from annotator.models.audit import AuditEntry, Export, Import
from annotator.models.copies import Agreement, CopyPurpose, ImageCopy
from annotator.models.guidelines import GuidelinePicture
from annotator.models.images import Embedding, Image, Picture
from annotator.models.interactions import Interaction, MaskTiming
from annotator.models.invitations import Invitation
from annotator.models.jobs import OPEN_STATES, Job, JobKind, JobState
from annotator.models.keys import ChosenKeys
from annotator.models.mask_audits import AuditedMask, MaskAudit
from annotator.models.mask_checks import MaskCheck
from annotator.models.masks import Mask, MaskOrigin, MaskRevision, MaskState, SaveReceipt
from annotator.models.people import Person, SignInFailure, SignInLink
from annotator.models.projects import (
    DEFAULT_HELD_OUT_PERCENT,
    MAX_AGREEMENT_PEOPLE,
    MAX_HELD_OUT_PERCENT,
    MAX_REFERENCE_EVERY,
    MIN_AGREEMENT_PEOPLE,
    Membership,
    OverlapRule,
    Project,
    Role,
)
from annotator.models.ratings import (
    HIGHEST_RATING,
    LOWEST_RATING,
    MaskSource,
    Rating,
    RatingStudy,
    StudiedMask,
)
from annotator.models.reviews import RejectReason, Review, ReviewOutcome
from annotator.models.rounds import (
    DEFAULT_ROUND_HOUR,
    DEFAULT_ROUND_MASKS,
    MAX_ROUND_MASKS,
    ModelVersion,
    Promotion,
    Round,
    RoundSchedule,
    ScheduleKind,
    TrainingMasks,
    VersionComparison,
)
from annotator.models.tokens import ApiToken, TokenScope
from annotator.models.webhooks import (
    MAX_EXCERPT,
    MAX_WEBHOOK_URL,
    DeliveryState,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)

__all__ = [
    "DEFAULT_HELD_OUT_PERCENT",
    "DEFAULT_ROUND_HOUR",
    "DEFAULT_ROUND_MASKS",
    "HIGHEST_RATING",
    "LOWEST_RATING",
    "MAX_AGREEMENT_PEOPLE",
    "MAX_EXCERPT",
    "MAX_HELD_OUT_PERCENT",
    "MAX_REFERENCE_EVERY",
    "MAX_ROUND_MASKS",
    "MAX_WEBHOOK_URL",
    "MIN_AGREEMENT_PEOPLE",
    "OPEN_STATES",
    "Agreement",
    "ApiToken",
    "Assignment",
    "AssignmentState",
    "AuditEntry",
    "AuditedMask",
    "ChosenKeys",
    "CopyPurpose",
    "DeliveryState",
    "Embedding",
    "Export",
    "GuidelinePicture",
    "Image",
    "ImageCopy",
    "Import",
    "Interaction",
    "Invitation",
    "Job",
    "JobKind",
    "JobState",
    "Mask",
    "MaskAudit",
    "MaskCheck",
    "MaskOrigin",
    "MaskRevision",
    "MaskSource",
    "MaskState",
    "MaskTiming",
    "Membership",
    "ModelVersion",
    "OverlapRule",
    "Person",
    "Picture",
    "Project",
    "Promotion",
    "Rating",
    "RatingStudy",
    "RejectReason",
    "Review",
    "ReviewOutcome",
    "Role",
    "Round",
    "RoundSchedule",
    "SaveReceipt",
    "ScheduleKind",
    "SignInFailure",
    "SignInLink",
    "SkipReason",
    "StudiedMask",
    "TokenScope",
    "TrainingMasks",
    "VersionComparison",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEvent",
]
