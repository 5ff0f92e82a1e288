"""The log of a run: append-only, sequences from 1 without gaps, each given in the transaction of the change it tells
of.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.daemon.actor import ACTOR
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import Entry
from tunewright.daemon.store.conditions import Conditions
from tunewright.spec.canonical import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One entry as it is stored; `body` is canonical JSON text, `actor` who did it (empty: not known then)."""

    sequence: int
    time: Milliseconds
    step: str
    attempt: int
    kind: str
    body: str
    actor: str = ""


def append(connection: sqlite3.Connection, run: str, entry: Entry, time: Milliseconds) -> int:
    """Append an entry to a run's log and return its sequence."""
    row = connection.execute(
        "UPDATE runs SET last_sequence = last_sequence + 1 WHERE id = ? RETURNING last_sequence", (run,)
    ).fetchone()
    sequence = int(row[0])
    body = canonical_json(entry.body).decode("utf-8")
    connection.execute(
        "INSERT INTO events (run, sequence, time, step, attempt, kind, body, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (run, sequence, time, entry.step, entry.attempt, entry.kind, body, ACTOR.get()),
    )
    return sequence


def latest(connection: sqlite3.Connection, run: str, step: str, kind: str) -> str | None:
    """Return the body of the newest entry of a kind about a step, None when there is none."""
    row = connection.execute(
        "SELECT body FROM events WHERE run = ? AND step = ? AND kind = ? ORDER BY sequence DESC LIMIT 1",
        (run, step, kind),
    ).fetchone()
    return None if row is None else str(row["body"])


def page(
    connection: sqlite3.Connection, run: str, after: int, limit: int, *, kinds: Sequence[str] = (), step: str = ""
) -> list[StoredEvent]:
    """Return at most `limit` entries after a sequence, oldest first: those of some kinds and of a step, or all."""
    where = Conditions().add("run = ?", run).add("sequence > ?", after).among("kind", kinds).equal(step=step)
    rows = connection.execute(
        "SELECT sequence, time, step, attempt, kind, body, actor FROM events"  # noqa: S608
        f" WHERE {where.text} ORDER BY sequence LIMIT ?",
        (*where.values, limit),
    ).fetchall()
    return [StoredEvent(**dict(row)) for row in rows]
