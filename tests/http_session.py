"""A signed-in person of a test at the public API: `simulation`'s session with the tests' one password."""

from __future__ import annotations

from simulation.http_session import HttpSession as AnyHttpSession
from simulation.http_session import Reply

__all__ = ["PASSWORD", "HttpSession", "Reply"]

PASSWORD = "a long enough passphrase"


class HttpSession(AnyHttpSession):
    """Cookies and the anti-forgery header of one person's browser."""

    def use_link(self, link: str, password: str = PASSWORD) -> None:
        """Set the password through a one-time link, which signs the person in."""
        super().use_link(link, password)

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Sign in with the password that `use_link` sets."""
        super().sign_in(name, password)
