"""Where the web process listens."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Address:
    """Where the web process listens, and its certificate if it speaks HTTPS itself."""

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None

    @property
    def url(self) -> str:
        """What a person on this machine types; `localhost` is a secure context without HTTPS."""
        scheme = "https" if self.certificate else "http"
        local = self.host in ("127.0.0.1", "0.0.0.0", "::", "::1")
        host = "localhost" if local else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
