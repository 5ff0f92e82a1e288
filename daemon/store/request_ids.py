"""Which requests were carried out already: an id of the client's, and the digest of what it came with. Requests that
make a run are remembered with the run.
"""

import sqlite3
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A request that was carried out; `subject` is the name of what it was about."""

    subject: str
    digest: str


def find(connection: sqlite3.Connection, project: str, request_id: str) -> Remembered | None:
    """Return what a request id of a project was used for, None when it is new."""
    row = connection.execute(
        "SELECT 'runs/' || id AS subject, request_digest AS digest FROM runs WHERE project = ?1 AND request = ?2"
        " UNION ALL SELECT subject, digest FROM requests WHERE project = ?1 AND id = ?2",
        (project, request_id),
    ).fetchone()
    return None if row is None else Remembered(subject=row["subject"], digest=row["digest"])


def insert(
    connection: sqlite3.Connection, project: str, request_id: str, wanted: Remembered, now: Milliseconds
) -> None:
    """Remember a request."""
    connection.execute(
        "INSERT INTO requests (project, id, digest, subject, create_time) VALUES (?, ?, ?, ?, ?)",
        (project, request_id, wanted.digest, wanted.subject, now),
    )
