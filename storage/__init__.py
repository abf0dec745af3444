"""Files by key: a local folder or an object store, named by URL, with atomic writes."""

from storage.keys import BadKey
from storage.storage import Storage, open_storage, sha256_of_file

__all__ = ["BadKey", "Storage", "open_storage", "sha256_of_file"]
