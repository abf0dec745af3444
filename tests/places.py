"""One of everything in Harbour, for tests that ask who reaches it."""

from __future__ import annotations

import uuid

from annotator.models import (
    Export,
    GuidelinePicture,
    Import,
    Job,
    JobKind,
    MaskAudit,
    RatingStudy,
    Role,
    Round,
    StudiedMask,
)
from annotator.services.invitations import make_invitation
from annotator.services.tokens import create_token
from annotator.services.webhooks import add_webhook, send_ping
from tests.cast import Browser, Cast, counts, lend, make_image, make_model, save_body
from tests.comparisons import compared


def make_places(cast: Cast) -> dict[str, str]:
    """What stands in addresses, by the name of its place there; `own` and `token` are Alice's."""
    model = make_model(promote=False)
    make_image(cast.project)
    assignment = lend(cast.alice, cast.project)
    mask = str(uuid.uuid4())
    assert Browser(cast.alice).save(mask, save_body(assignment)).status_code == 201
    job = Job.objects.create(kind=JobKind.TRAIN, subject=str(cast.project.id))
    round_ = Round.objects.create(
        project=cast.project,
        number=1,
        job=job,
        snapshot_key="snapshots/none.jsonl",
        num_images=1,
        num_masks=1,
        base=model,
    )
    packing = Job.objects.create(kind=JobKind.EXPORT, subject="an export")
    export = Export.objects.create(project=cast.project, job=packing, format="coco")
    unpacking = Job.objects.create(kind=JobKind.IMPORT, subject="an import")
    import_ = Import.objects.create(
        project=cast.project, job=unpacking, name="otters.zip", file_key="imports/otters.zip"
    )
    invitation, _ = make_invitation(project=cast.project, role=Role.ANNOTATOR, by=cast.carol)
    token, _ = create_token(person=cast.alice, name="a script", scopes=[], days=1)
    shown = GuidelinePicture.objects.create(
        project=cast.project, name="quay.png", picture=assignment.image.picture
    )
    webhook, _ = add_webhook(
        project=cast.project, url="https://hooks.example/", events=["mask.accepted"], by=cast.carol
    )
    study = RatingStudy.objects.create(project=cast.project, seed=1, sources=["annotated"])
    studied = StudiedMask.objects.create(
        study=study, mask_id=mask, version=1, counts=counts(), source="annotated"
    )
    audit = MaskAudit.objects.create(project=cast.project, seed=1, num_images=1)
    return {
        "picture": shown.picture_id,
        "token": str(token.id),
        "invitation": str(invitation.id),
        "audit": str(audit.id),
        "webhook": str(webhook.id),
        "study": str(study.id),
        "studied": str(studied.id),
        "delivery": str(send_ping(webhook=webhook, by=cast.carol).id),
        "round": str(round_.id),
        "export": str(export.id),
        "import": str(import_.id),
        "project": str(cast.project.id),
        "person": str(cast.bob.id),
        "own": str(cast.alice.id),
        "image": str(assignment.image_id),
        "assignment": str(assignment.id),
        "mask": mask,
        "encoder": model.encoder_fingerprint,
        "model": str(model.id),
        "sha256": "0" * 64,
        "comparison": str(compared(model, make_model(promote=False), {}).id),
        "job": str(packing.id),
        "table": "people",
        "chart": "concavity",
    }
