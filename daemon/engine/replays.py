"""Requests that come twice: an id of the client's says so, and must come with the same request."""

import sqlite3

from tunewright.daemon.errors import RefusedError
from tunewright.daemon.store import request_ids
from tunewright.daemon.store.request_ids import Remembered


def replay_of(connection: sqlite3.Connection, project: str, request_id: str, digest: str) -> Remembered | None:
    """Return what a request id of a project was used for, None for a new or an empty one.

    Raises RefusedError when it came with another request.
    """
    found = request_ids.find(connection, project, request_id) if request_id else None
    if found is None or found.digest == digest:
        return found
    message = f"request id `{request_id}` was used for another request, about {found.subject}"
    run = found.subject.removeprefix("runs/") if found.subject.startswith("runs/") else ""
    raise RefusedError("REQUEST_ID_REUSED", message, request_id=request_id, subject=found.subject, run=run)
