"""Addresses of daemons, held to their form before anything is sent to what they might mean. Standard library only."""

import re

from tunewright.client.errors import AddressError

# gRPC takes more: a port beyond 65535 becomes another one, and a word alone another machine's port 443.
_NETWORK = re.compile(r"(?:(?:dns|ipv4|ipv6):(?://[^/]*/)?)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):(\d{1,5})")


def check_target(target: str) -> None:
    """Raise AddressError for what names no daemon: neither `unix:PATH` nor `HOST:PORT`."""
    if target.startswith("unix:") and target.isprintable() and len(target) > len("unix:"):
        return
    found = _NETWORK.fullmatch(target)
    if found is None or not 0 < int(found.group(1)) < 2**16:
        raise AddressError(f"`{target[:200]}` is no address of a daemon", help="write HOST:PORT, or unix:PATH")
