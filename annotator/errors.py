"""Domain errors: raised at the door with the value in the text, turned into a status and JSON in one place (api)."""

from __future__ import annotations


class DomainError(Exception):
    """A request that cannot be carried out. `status` is the HTTP status, `code` a stable machine word."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field
        self.extra = extra or {}


class NotSignedIn(DomainError):
    status = 401
    code = "not_signed_in"


class NotInScope(DomainError):
    """The thing does not exist, or the person may not know that it does: the same answer for both."""

    status = 404
    code = "not_found"


class NotAllowed(DomainError):
    status = 403
    code = "not_allowed"


class Conflict(DomainError):
    status = 409
    code = "conflict"


class StaleVersion(DomainError):
    status = 412
    code = "stale_version"


class TooLarge(DomainError):
    status = 413
    code = "too_large"


class WrongType(DomainError):
    status = 415
    code = "wrong_type"


class Invalid(DomainError):
    status = 422
    code = "invalid"


class VersionMissing(DomainError):
    status = 428
    code = "version_missing"


class TooManyRequests(DomainError):
    status = 429
    code = "too_many_requests"


class Unavailable(DomainError):
    status = 503
    code = "unavailable"


class StorageLow(DomainError):
    status = 507
    code = "storage_low"
