"""Addresses that tokens are sent to: encrypted, or on this machine. Standard library only."""

import ipaddress
import urllib.parse


def endpoint_problem(address: str) -> str | None:
    """Say why a hub's base address can't be used, None when it can."""
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "it is no web address"
    if parts.scheme not in ("https", "http") or not host:
        return "it must start with https:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "a name or a password does not belong into an address"
    if parts.query or parts.fragment:
        return "it must end with the host or a path"
    if parts.scheme == "http" and not _is_loopback(host):
        return "without encryption only an address of this machine is allowed"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
