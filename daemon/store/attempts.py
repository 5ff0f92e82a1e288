"""Attempts in the store: how far their events are read, what they said that matters later, how they ended."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.store import events
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.events import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt. `events_offset` and `events_sequence` are where to go on reading its events;
    `launches` counts the starts of its supervisor.
    """

    run: str
    step: str
    number: int
    events_offset: int
    events_sequence: int
    role: str | None
    address: str | None
    outcome: str | None
    start_time: Milliseconds
    end_time: Milliseconds | None
    launches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was read from an attempt's events: lines for the log, where reading goes on, what to remember."""

    lines: Sequence[Line]
    offset: int
    sequence: int
    role: str | None
    address: str | None


def insert(connection: sqlite3.Connection, run: str, step: str, number: int, now: Milliseconds) -> None:
    """Store a new attempt."""
    connection.execute(
        "INSERT INTO attempts (run, step, number, start_time) VALUES (?, ?, ?, ?)", (run, step, number, now)
    )


def get(connection: sqlite3.Connection, run: str, step: str, number: int) -> Attempt | None:
    """Return an attempt, None when there is none of that number."""
    row = connection.execute(
        "SELECT * FROM attempts WHERE run = ? AND step = ? AND number = ?", (run, step, number)
    ).fetchone()
    return None if row is None else Attempt(**dict(row))


def newest(connection: sqlite3.Connection, run: str, step: str) -> int:
    """Return the number of a step's newest attempt, 0 before the first. Services have more than their step knows of."""
    row = connection.execute("SELECT max(number) FROM attempts WHERE run = ? AND step = ?", (run, step)).fetchone()
    return int(row[0] or 0)


def count_launch(connection: sqlite3.Connection, run: str, step: str, number: int) -> int:
    """Note that an attempt is going to be launched once more, and return how often that makes."""
    row = connection.execute(
        "UPDATE attempts SET launches = launches + 1 WHERE run = ? AND step = ? AND number = ? RETURNING launches",
        (run, step, number),
    ).fetchone()
    return int(row[0])


def advance(connection: sqlite3.Connection, attempt: Attempt, progress: Progress) -> None:
    """Store what was read together with how far: each event enters the log exactly once. Raise StaleError on a second
    try.
    """
    changed = connection.execute(
        "UPDATE attempts SET events_offset = ?, events_sequence = ?,"
        " role = coalesce(?, role), address = coalesce(?, address)"
        " WHERE run = ? AND step = ? AND number = ? AND events_offset = ?",
        (
            progress.offset,
            progress.sequence,
            progress.role,
            progress.address,
            attempt.run,
            attempt.step,
            attempt.number,
            attempt.events_offset,
        ),
    )
    if changed.rowcount != 1:
        raise StaleError(f"the events of {attempt.run}/{attempt.step}/{attempt.number} were read by somebody else")
    events.append_all(connection, attempt.run, progress.lines)


def end(connection: sqlite3.Connection, run: str, step: str, number: int, outcome: str, now: Milliseconds) -> None:
    """Note how an attempt ended."""
    connection.execute(
        "UPDATE attempts SET outcome = ?, end_time = ? WHERE run = ? AND step = ? AND number = ?",
        (outcome, now, run, step, number),
    )
