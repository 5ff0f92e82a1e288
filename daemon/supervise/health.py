"""Ask a service whether it is well: one request to this machine, with a bound on the time."""

import http.client
from urllib.parse import urlsplit


def answers(address: str, path: str, timeout_seconds: float) -> bool:
    """Answer whether `GET address/path` is answered well within the time; whatever else comes is a no."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
