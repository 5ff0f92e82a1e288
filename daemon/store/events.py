"""The log of a run: append-only, sequences from 1 without gaps, each given in the transaction of the change it tells
of.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from tunewright.daemon.actor import ACTOR
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import Entry
from tunewright.daemon.store.conditions import Conditions
from tunewright.spec.canonical import canonical_json

_NEXT = "UPDATE runs SET last_sequence = ? WHERE id = ?"
_INSERT = "INSERT INTO events (run, actor, sequence, time, step, attempt, kind, body) VALUES "
_ROW = "(?1, ?2, ?, ?, ?, ?, ?, ?)"
#: The most events of one statement (a power of two): SQLite lets other threads run while it works at one.
_MOST_ROWS = 128
_TRIGGER = "INSERT INTO alert_triggers (run, sequence) VALUES (?, ?)"
#: Kinds that somebody may want to be told of: each leaves a trigger for the alerts (daemon/alerts/) in its transaction.
TRIGGERS = frozenset(
    {
        "run_succeeded",
        "run_failed",
        "run_cancelled",
        "run_paused",
        "run_waiting",
        "step_failed",
        "step_retrying",
        "alert",
        "watchdog",
        "deployment_restarting",
        "deployment_failed",
    }
)
#: Kinds that hold figures; only runs with a condition over figures are looked at.
FIGURES = frozenset({"metric", "evaluation"})


class Line(NamedTuple):
    """An entry in the form in which it is stored; making it outside of a write keeps the writer free."""

    time: Milliseconds
    step: str
    attempt: int
    kind: str
    body: str


class StoredEvent(NamedTuple):
    """One entry as it is stored; `body` is canonical JSON text, `actor` who did it (empty: not known then)."""

    sequence: int
    time: Milliseconds
    step: str
    attempt: int
    kind: str
    body: str
    actor: str


def line(entry: Entry, time: Milliseconds) -> Line:
    """Return the stored form of an entry."""
    return Line(time, entry.step, entry.attempt, entry.kind, canonical_json(entry.body).decode("utf-8"))


def append(connection: sqlite3.Connection, run: str, entry: Entry, time: Milliseconds) -> int:
    """Append an entry to a run's log and return its sequence."""
    return append_all(connection, run, (line(entry, time),))


def append_all(connection: sqlite3.Connection, run: str, lines: Sequence[Line]) -> int:
    """Append entries to a run's log and return the newest sequence."""
    execute, actor = connection.execute, ACTOR.get()
    before, watched = execute("SELECT last_sequence, watched FROM runs WHERE id = ?", (run,)).fetchone()
    done = 0
    while rest := len(lines) - done:
        # Powers of two make any number of rows from a few statements, which stay prepared.
        size = min(_MOST_ROWS, 1 << (rest.bit_length() - 1))
        values: list[str | int] = [run, actor]
        for sequence, item in enumerate(lines[done : done + size], start=before + done + 1):
            values += (sequence, *item)
        execute(_inserting(size), values)
        done += size
    if done:
        execute(_NEXT, (before + done, run))
    for sequence, item in enumerate(lines, start=before + 1):
        if item.kind in TRIGGERS or (watched and item.kind in FIGURES):
            execute(_TRIGGER, (run, sequence))
    return int(before) + done


@cache
def _inserting(rows: int) -> str:
    return _INSERT + ", ".join([_ROW] * rows)


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
    return [StoredEvent._make(row) for row in rows]
