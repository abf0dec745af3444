"""Receiving files: always to a temporary file, and never more than an image, or a data set, may have."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class CappedFileHandler(TemporaryFileUploadHandler):
    """Keeps one byte more than the limit, so that the file is refused for its size, and drops the rest."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        is_data_set = self.request is not None and self.request.path.endswith("/imports")
        most = settings.MAX_UPLOAD_BYTES if is_data_set else settings.MAX_IMAGE_BYTES
        room = most + 1 - start
        if room > 0:
            self.file.write(raw_data[:room])
