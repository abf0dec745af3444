"""Addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from annotator.views import (
    account,
    audit_log,
    guidelines,
    members,
    models,
    project_settings,
    projects,
    quality,
    sign_in,
    statistics,
    system,
)

PROJECT = "projects/<uuid:project_id>"

urlpatterns: list[URLPattern] = [
    path("", projects.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("link/<str:token>", sign_in.use_link, name="link"),
    path("account", account.account, name="account"),
    path("account/tokens", account.make_token, name="make-token"),
    path("account/tokens/<uuid:token_id>/revoke", account.drop_token, name="revoke-token"),
    path("invite/<str:token>", sign_in.use_invitation, name="invite"),
    path("projects/new", projects.new_project, name="new-project"),
    path(f"{PROJECT}/annotate", projects.annotate, name="annotate"),
    path(f"{PROJECT}/images", projects.images, name="images"),
    path(f"{PROJECT}/images/hold-out", projects.hold_out, name="hold-out"),
    path(f"{PROJECT}/images/retry", projects.retry_embeddings, name="retry-embeddings"),
    path(f"{PROJECT}/review", projects.review, name="review"),
    path(f"{PROJECT}/quality", quality.quality, name="quality"),
    path(f"{PROJECT}/quality/audits", quality.new_audit, name="new-audit"),
    path(f"{PROJECT}/quality/references", quality.set_references, name="set-references"),
    path(f"{PROJECT}/quality/agreement", quality.set_agreement, name="set-agreement"),
    path(f"{PROJECT}/my-scores", quality.my_scores, name="my-scores"),
    path(f"{PROJECT}/dashboard", projects.dashboard, name="dashboard"),
    path(f"{PROJECT}/statistics", statistics.statistics, name="statistics"),
    path(f"{PROJECT}/rounds", projects.rounds, name="rounds"),
    path(f"{PROJECT}/guidelines", guidelines.guidelines, name="guidelines"),
    path(
        f"{PROJECT}/guidelines/pictures/<str:sha256>/remove",
        guidelines.drop_guideline_picture,
        name="drop-guideline-picture",
    ),
    path(f"{PROJECT}/settings", project_settings.settings, name="project-settings"),
    path(f"{PROJECT}/archive", project_settings.archive, name="archive"),
    path(f"{PROJECT}/members", members.members, name="members"),
    path(f"{PROJECT}/members/add", members.add_member, name="add-member"),
    path(f"{PROJECT}/members/<uuid:person_id>/remove", members.drop_member, name="drop-member"),
    path(f"{PROJECT}/invitations", members.invite, name="invite-somebody"),
    path(
        f"{PROJECT}/invitations/<uuid:invitation_id>/revoke",
        members.drop_invitation,
        name="revoke-invitation",
    ),
    path("models", models.models, name="models"),
    path("models/roll-back", models.roll_back_version, name="roll-back"),
    path("models/compare", models.compare, name="compare-models"),
    path("models/<uuid:version_id>", models.model, name="model"),
    path("models/register", models.register, name="register-checkpoint"),
    path("models/jobs/<uuid:job_id>/cancel", models.cancel_job, name="cancel-model-job"),
    path("models/<uuid:version_id>/promote", models.promote_version, name="promote"),
    path("models/rounds/start", models.start, name="start-round"),
    path("models/rounds/schedule", models.schedule, name="schedule-rounds"),
    path("models/rounds/<uuid:round_id>/cancel", models.cancel, name="cancel-round"),
    path("system/audit-log", audit_log.audit_log, name="audit-log"),
    path("system", system.system, name="system"),
    path("system/people", system.add_person, name="add-person"),
    path("system/people/<uuid:person_id>/link", system.make_link, name="make-link"),
    path("system/people/<uuid:person_id>/active", system.set_active, name="set-active"),
    path("system/jobs/<uuid:job_id>/retry", system.retry, name="retry-job"),
]
