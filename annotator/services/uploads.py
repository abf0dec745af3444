"""The files that a request brings, before anything is read of them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.datastructures import MultiValueDict

from annotator.errors import Invalid, TooLarge
from annotator.services.images import Upload


def uploads_in(sent: MultiValueDict[str, UploadedFile]) -> list[Upload]:
    """The files of a request, all in the field `files`: at least one, and not too many."""
    files = sent.getlist("files")
    if set(sent) - {"files"}:
        raise Invalid("Send every file in the field `files`.", code="unknown_field", field="files")
    if not files:
        raise Invalid(
            "Send at least one file in the field `files`.", code="required", field="files"
        )
    if len(files) > settings.MAX_FILES_PER_UPLOAD:
        raise TooLarge(f"At most {settings.MAX_FILES_PER_UPLOAD} files per upload.", field="files")
    return [
        Upload(name=file.name or "", path=Path(file.temporary_file_path()))
        for file in files
        if isinstance(file, TemporaryUploadedFile)
    ]
