"""Where webhooks may be sent: no address inside this server's own network, unless the operator named its host."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from annotator.errors import Invalid
from annotator.models import MAX_WEBHOOK_URL

PORTS = {"http": 80, "https": 443}
NOT_PUBLIC = (
    "It leads into a private network, and the operator has not named it in WEBHOOK_PRIVATE_HOSTS."
)
# IPv6 addresses that stand for an IPv4 one behind a translator.
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
# In public ranges, yet answering only inside a provider's network, with what its machines may know of themselves.
PROVIDERS = tuple(map(ipaddress.IPv4Network, ("168.63.129.16/32", "192.0.0.0/24")))

Address = tuple[socket.AddressFamily, tuple[Any, ...]]  # family, and what `connect` takes


class NotPublic(OSError):
    """A host that nothing may be sent to."""


def check_url(url: str) -> None:
    """Raises `Invalid` for what is no address to send to; a name is looked up only when something is sent."""
    if len(url) > MAX_WEBHOOK_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise _bad(
            f"An address has at most {MAX_WEBHOOK_URL} printable ASCII characters, no space."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", port_of(parts)
        host.encode("idna")
    except (ValueError, KeyError) as error:
        raise _bad("An address begins with https:// or http:// and names a host.") from error
    if not host or port == 0:
        raise _bad("An address begins with https:// or http:// and names a host.")
    if "@" in parts.netloc or parts.fragment:
        raise _bad("An address has no name, password or # in it.")
    if _is_written_address(host) and not may_send_to(host, host):
        raise _bad(NOT_PUBLIC)


def port_of(parts: SplitResult) -> int:
    """Raises `KeyError` for another scheme than http and https, `ValueError` for no port."""
    usual = PORTS[parts.scheme]
    return usual if parts.port is None else parts.port


def resolve(host: str, port: int) -> list[Address]:
    """Every address of a host, looked up once: whoever connects uses these and asks no second time.

    Raises `NotPublic` when one of them is not public, and `OSError` when there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no name of a host") from error
    if not all(may_send_to(host, str(where[0])) for *_, where in found):
        raise NotPublic(NOT_PUBLIC)
    return [(family, where) for family, _, _, _, where in found]


def may_send_to(host: str, address: str) -> bool:
    return host.lower() in settings.WEBHOOK_PRIVATE_HOSTS or is_public(address)


def is_public(address: str) -> bool:
    """Whether anybody in the world would reach the same machine by it."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour
        if ip in TRANSLATED:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if ip in SITE_LOCAL:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in PROVIDERS)


def _is_written_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bad(text: str) -> Invalid:
    return Invalid(text, code="bad_url", field="url")
