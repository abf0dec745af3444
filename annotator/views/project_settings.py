"""A project's settings for its managers: name, overlap rule, webhooks, archive."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from annotator.errors import DomainError
from annotator.models import MAX_WEBHOOK_URL, OverlapRule, Project, WebhookEvent
from annotator.queries.webhooks import last_deliveries, webhooks_of
from annotator.services.projects import ProjectChanges, change_project
from annotator.views.page import managed_project, page, render_page, signed_in_person
from annotator.views.project_forms import MAX_NAME, written_name, written_rule

EVENT_WORDS = {
    WebhookEvent.IMAGE_SUBMITTED: "somebody hands an image in",
    WebhookEvent.IMAGE_SKIPPED: "somebody skips an image",
    WebhookEvent.MASK_ACCEPTED: "a mask, or a change of one, is accepted",
    WebhookEvent.MASK_REVIEWED: "a reviewer accepts, fixes or rejects a mask",
    WebhookEvent.EXPORT_FINISHED: "an export is over, well or not",
    WebhookEvent.IMPORT_FINISHED: "an import is over, well or not",
    WebhookEvent.ROUND_FINISHED: "a round of retraining is over, well or not",
    WebhookEvent.MODEL_PROMOTED: "another model is in use",
}


@require_http_methods(["GET", "HEAD", "POST"])
@page
def settings(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = managed_project(request, project_id)
    if request.method != "POST":
        return show_settings(request, project)
    try:
        changes = ProjectChanges(
            name=written_name(request.POST.get("name", "")),
            overlap_rule=written_rule(request.POST.get("overlap_rule", "")),
        )
        change_project(project=project, changes=changes, by=signed_in_person(request))
    except DomainError as error:
        return show_settings(request, managed_project(request, project_id), fault=error)
    return HttpResponseRedirect(f"/projects/{project.id}/settings?saved=1")


@require_POST
@page
def archive(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Puts a project away, or takes it up again."""
    project = managed_project(request, project_id)
    changes = ProjectChanges(archived=request.POST.get("archived") == "yes")
    change_project(project=project, changes=changes, by=signed_in_person(request))
    return HttpResponseRedirect(f"/projects/{project.id}/settings")


def show_settings(
    request: HttpRequest, project: Project, *, fault: DomainError | None = None
) -> HttpResponse:
    """The page; what was written stays in its forms when it was refused."""
    webhooks = list(webhooks_of(project))
    last = last_deliveries(webhooks)
    return render_page(
        request,
        "project_settings.html",
        project=project,
        current="settings",
        status=fault.status if fault else 200,
        fault=fault.message if fault else "",
        name=request.POST.get("name", project.name),
        rule=request.POST.get("overlap_rule", project.overlap_rule),
        rules=OverlapRule.choices,
        max_name=MAX_NAME,
        was_saved="saved" in request.GET,
        webhooks=[(webhook, last.get(webhook.id)) for webhook in webhooks],
        events=EVENT_WORDS.items(),
        chosen=request.POST.getlist("event"),
        url=request.POST.get("url", ""),
        max_url=MAX_WEBHOOK_URL,
    )
