"""Model versions: registering bundles, promoting one, and going back to the one before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, transaction

from annotator.errors import Conflict, Invalid
from annotator.models import ModelVersion, Person, Project, Promotion
from annotator.queries.model_versions import current_model_version
from annotator.queries.verdicts import Verdict, verdict_of
from annotator.services.audit import record_act
from annotator.services.embeddings import request_missing_embeddings
from annotator.services.hints import send_hint
from annotator.services.stores import file_storage
from annotator.services.webhook_events import tell_of_promotion
from common.manifest import MANIFEST_NAME, BadManifest, Manifest
from common.messages import bundle_key
from storage import Storage, open_storage

BLOCK_BYTES = 1 << 20
BUNDLED = "bundled with the product"  # the reason of a promotion that no person asked for


@dataclass(frozen=True)
class BundleSource:
    """A bundle that is not registered yet: a local folder, or a prefix in storage."""

    storage: Storage
    prefix: str

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


def register_folder(*, folder: Path, by: Person | None = None) -> ModelVersion:
    """Registers a bundle in a local folder. Raises `Invalid` with what is wrong with it."""
    source = BundleSource(storage=open_storage(folder.resolve().as_uri()), prefix="")
    return register_bundle(source=source, by=by)


def register_prefix(
    *, prefix: str, name: str = "", parent: ModelVersion | None = None
) -> ModelVersion:
    """Registers a bundle that a training job left in storage, under a name of its own."""
    source = BundleSource(storage=file_storage(), prefix=prefix)
    return register_bundle(source=source, name=name, parent=parent)


def register_bundle(
    *,
    source: BundleSource,
    name: str = "",
    by: Person | None = None,
    parent: ModelVersion | None = None,
) -> ModelVersion:
    """Verifies every file, copies the bundle to its content-addressed place, and writes its row.

    The same bundle again gives the same row. Raises `Invalid` with what is wrong.
    """
    manifest, content = _read_manifest(source)
    _copy_files(source, manifest, content)
    with transaction.atomic():
        version, is_new = ModelVersion.objects.get_or_create(
            bundle_fingerprint=manifest.bundle_fingerprint,
            defaults={
                "name": (name or manifest.name)[:120],
                "encoder_fingerprint": manifest.encoder_fingerprint,
                "manifest": json.loads(manifest.to_json()),
                "scores": dict(manifest.scores),
                "parent": parent,
            },
        )
        if is_new:
            record_act(person=by, act="model.registered", subject=str(version.id))
    if is_new:
        _announce()
    return version


def promote(
    *,
    model_version: ModelVersion,
    expected_current: UUID | None,
    by: Person | None = None,
    reason: str = "",
    override: bool = False,
) -> Promotion:
    """Makes a model version the one annotators use, if the current one is still `expected_current`.

    Raises `Conflict`: `not_current` when somebody else was faster, `worse` for a candidate that the gate holds
    to be worse than the one in use or the one it came from, unless `override`; that needs a `reason` (`Invalid`),
    and is remembered. Images that are open finish on the version they started with; missing embeddings are queued in
    the order people need them.
    """
    previous = Promotion.objects.order_by("-id").first()
    current = None if previous is None else previous.model_version_id
    if current != expected_current:
        raise _not_current()
    if previous is not None and current == model_version.id:
        return previous
    verdict = verdict_of(model_version)
    if verdict.is_worse:
        _check_override(verdict, override=override, reason=reason)
    return _put_to_use(model_version, previous=previous, by=by, reason=reason, against=verdict)


def _put_to_use(
    model_version: ModelVersion,
    *,
    previous: Promotion | None,
    by: Person | None,
    reason: str,
    against: Verdict | None = None,
) -> Promotion:
    """`against` is the gate's verdict; it was overridden when it says worse."""
    current = None if previous is None else previous.model_version_id
    try:
        with transaction.atomic():
            promotion = Promotion.objects.create(
                model_version=model_version, previous=previous, promoted_by=by, reason=reason
            )
            tell_of_promotion(promotion)
            record_act(
                person=by,
                act="model.promoted",
                subject=str(model_version.id),
                detail={"previous": str(current) if current else None, "reason": reason},
            )
            if against is not None and against.is_worse:
                record_act(
                    person=by,
                    act="model.gate_overridden",
                    subject=str(model_version.id),
                    detail={"reason": reason, "verdict": list(against.reasons)},
                )
    except IntegrityError as error:
        raise _not_current() from error
    request_missing_embeddings(model_version=model_version)
    _announce()
    return promotion


def roll_back(*, by: Person | None = None, reason: str = "") -> Promotion:
    """Promotes the version that was in use before the current one, whatever the gate says of it.

    Raises `Conflict`: `no_earlier_version`, or `not_current` when somebody else was faster.
    """
    newest = Promotion.objects.select_related("previous__model_version").order_by("-id").first()
    if newest is None or newest.previous is None:
        raise Conflict("There is no earlier version to go back to.", code="no_earlier_version")
    return _put_to_use(
        newest.previous.model_version, previous=newest, by=by, reason=reason or "roll back"
    )


def promote_over_current(
    *, model_version: ModelVersion, by: Person | None = None, although_worse: str = ""
) -> Promotion:
    """Promotes over whatever is current: for the command line, where nobody looks at a page.

    `although_worse` is the reason for overriding the gate; without it a worse candidate is refused.
    """
    current = current_model_version()
    return promote(
        model_version=model_version,
        expected_current=None if current is None else current.id,
        by=by,
        reason=although_worse or "command line",
        override=bool(although_worse),
    )


def promote_bundled(*, model_version: ModelVersion) -> bool:
    """Lets annotators use the model that came with this checkout, unless somebody has chosen one.

    False: a person promoted or rolled back; the version stays a candidate.
    """
    newest = Promotion.objects.select_related("previous").order_by("-id").first()
    # The first promotion of all is the one of the model that came with the first checkout.
    if newest is not None and newest.previous is not None and newest.reason != BUNDLED:
        return False
    promote(
        model_version=model_version,
        expected_current=None if newest is None else newest.model_version_id,
        reason=BUNDLED,
    )
    return True


def _read_manifest(source: BundleSource) -> tuple[Manifest, bytes]:
    try:
        content = source.storage.read_bytes(source.key(MANIFEST_NAME))
    except FileNotFoundError as error:
        where = source.prefix or source.storage.root
        raise Invalid(f"There is no {MANIFEST_NAME} in {where}.", code="bad_bundle") from error
    try:
        return Manifest.from_json(content), content
    except (BadManifest, RecursionError) as error:
        raise Invalid(f"{MANIFEST_NAME}: {error}", code="bad_bundle") from error


def _copy_files(source: BundleSource, manifest: Manifest, content: bytes) -> None:
    """Each file is verified where it comes from; the manifest goes last."""
    target = file_storage()
    for name, entry in manifest.files.items():
        key = bundle_key(manifest.bundle_fingerprint, name)
        if _sha256(target, key) == entry.sha256:
            continue
        if _sha256(source.storage, source.key(name)) != entry.sha256:
            raise Invalid(f"{name} is missing or does not match the manifest.", code="bad_bundle")
        with source.storage.open(source.key(name)) as file, target.writer(key) as out:
            while block := file.read(BLOCK_BYTES):
                out.write(block)
    target.put_bytes(bundle_key(manifest.bundle_fingerprint, MANIFEST_NAME), content)


def _sha256(storage: Storage, key: str) -> str | None:
    try:
        return storage.sha256(key)
    except FileNotFoundError:
        return None


def _check_override(verdict: Verdict, *, override: bool, reason: str) -> None:
    """Raises `Conflict` (worse) without an override and `Invalid` (reason_missing) without a reason for it."""
    if not override:
        raise Conflict(
            f"It is worse than {verdict.base_name}. {'. '.join(verdict.reasons)}.",
            code="worse",
            extra={"reasons": list(verdict.reasons)},
        )
    if not reason.strip():
        raise Invalid(
            "Say why a candidate that is worse shall be used.",
            code="reason_missing",
            field="reason",
        )


def _not_current() -> Conflict:
    current = current_model_version()
    return Conflict(
        "Another version was promoted meanwhile.",
        code="not_current",
        extra={"current": None if current is None else str(current.id)},
    )


def _announce() -> None:
    for project in Project.objects.filter(archived_at=None):
        send_hint(project=project, kind="models")
