"""Ask a service whether it is well: one request to this machine, with a bound on the time."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

from tunewright.daemon.supervise.listeners import belongs_to, taken_by_others


def answers(bundle: Path, address: str, path: str, timeout_seconds: float) -> bool:
    """Answer whether `GET address/path` is answered well within the time, by a process of the bundle's attempt.

    Whatever else comes, or whoever else answers, is a no.
    """
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        well = 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return well and belongs_to(bundle, parts.hostname or "", parts.port or 80)


def is_foreign(bundle: Path, address: str) -> bool:
    """Answer whether somebody else than the bundle's attempt listens at an address of this machine."""
    parts = urlsplit(address)
    return taken_by_others(bundle, parts.hostname or "", parts.port or 80)
