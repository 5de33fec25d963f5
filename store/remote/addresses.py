"""Which addresses may be asked: origins, and what counts as the public internet."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

# Written out, because `is_global` of the standard library differs between the Pythons we run on.
_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Protocols with Teredo, documentation, 6to4 (which carries any IPv4 address), documentation.
_NOT_PUBLIC_6 = [
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Origin(NamedTuple):
    """Scheme, host and port: what a key is bound to."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True)
class Base:
    """A host that the settings name: trusted wherever it points, the only one to see its key."""

    name: str
    address: str
    key_field: str
    """The setting that holds the key."""
    origin: Origin


class AddressRefused(Exception):
    """This address is not fetched; the text says why and names no address inside the network."""


def origin_of(address: str) -> Origin:
    """The origin of an http(s) address. Raises AddressRefused for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("This is not an address.") from error
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefused("Only http and https addresses are fetched.")
    return Origin(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def check_foreign(address: str) -> Origin:
    """The origin of an address that somebody else named. Raises AddressRefused."""
    origin = origin_of(address)
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name or password in it is not fetched.")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in address):
        raise AddressRefused("This is not an address.")
    return origin


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; what wraps an IPv4 one is unwrapped."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def resolve(host: str, port: int) -> list[str]:
    """Every IP address of a name (or of an address in any spelling). Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_public(addresses: Iterable[str]) -> None:
    """Raise AddressRefused unless every one is public: one private answer taints the name."""
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("The address is not on the public internet.")


def is_private_host(host: str, port: int) -> bool:
    """Whether the host has an address outside the public internet; an unknown name has none."""
    try:
        return not all(is_public(address) for address in resolve(host, port))
    except OSError:
        return False
