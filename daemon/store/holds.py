"""What somebody holds, so that it is never collected, and what was collected."""

import sqlite3
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.store.conditions import Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRecord:
    """A hold; `subject` is `runs/ID` or `artifacts/HEX`."""

    id: int = 0
    subject: str
    project: str
    reason: str
    create_time: Milliseconds
    created_by: str
    release_time: Milliseconds | None = None
    released_by: str = ""
    release_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedRecord:
    """Something that was collected."""

    kind: str
    subject: str
    project: str
    size_bytes: int
    reason: str
    time: Milliseconds
    actor: str


def current(connection: sqlite3.Connection, subject: str) -> HoldRecord | None:
    """Return the hold on something, None where nobody holds it."""
    row = connection.execute("SELECT * FROM holds WHERE subject = ? AND release_time IS NULL", (subject,)).fetchone()
    return None if row is None else HoldRecord(**dict(row))


def held(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the names of everything that is held."""
    rows = connection.execute("SELECT subject FROM holds WHERE release_time IS NULL").fetchall()
    return frozenset(row["subject"] for row in rows)


def create(connection: sqlite3.Connection, hold: HoldRecord) -> HoldRecord:
    """Hold something; return the hold there is where it is held already."""
    earlier = current(connection, hold.subject)
    if earlier is not None:
        return earlier
    row = connection.execute(
        "INSERT INTO holds (subject, project, reason, create_time, created_by) VALUES (?, ?, ?, ?, ?) RETURNING *",
        (hold.subject, hold.project, hold.reason, hold.create_time, hold.created_by),
    ).fetchone()
    return HoldRecord(**dict(row))


def release(
    connection: sqlite3.Connection, subject: str, reason: str, actor: str, now: Milliseconds
) -> HoldRecord | None:
    """Release the hold on something and return it, None where nobody holds it."""
    row = connection.execute(
        "UPDATE holds SET release_time = ?, released_by = ?, release_reason = ?"
        " WHERE subject = ? AND release_time IS NULL RETURNING *",
        (now, actor, reason, subject),
    ).fetchone()
    return None if row is None else HoldRecord(**dict(row))


def page(connection: sqlite3.Connection, *, before: int, limit: int, show_released: bool) -> list[HoldRecord]:
    """Return holds, newest first, with a row id below `before` (0: from the newest)."""
    where = Conditions().below("id", before)
    if not show_released:
        where.add("release_time IS NULL")
    query = f"SELECT * FROM holds WHERE {where.text} ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [HoldRecord(**dict(row)) for row in connection.execute(query, (*where.values, limit)).fetchall()]


def insert_collected(connection: sqlite3.Connection, item: CollectedRecord) -> None:
    """Write down what was collected."""
    connection.execute(
        "INSERT INTO collected (kind, subject, project, size_bytes, reason, time, actor) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (item.kind, item.subject, item.project, item.size_bytes, item.reason, item.time, item.actor),
    )
