"""Alerts in the store: an outbox. What was raised stays until it is delivered or given up, and nothing goes unsaid."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import Entry
from tunewright.daemon.store import events
from tunewright.daemon.store.conditions import Conditions
from tunewright.daemon.store.projects import Projects

#: What alerts are called that stand for many of several kinds.
MANY = "many"


class AlertState(StrEnum):
    """Where an alert stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """One alert to one sink. `tally` counts what it stands for, by kind; `body` is what is sent, fixed when it is tried
    first; `fold` is equal for alerts that may stand for each other; `problem` is why the last try failed.
    """

    number: int = 0
    id: str
    sink: str
    project: str
    spec_name: str
    run: str
    step: str
    attempt: int
    sequence: int
    kind: str
    severity: str
    rule: str
    message: str
    reason: str
    help: str
    fold: str
    tally: Mapping[str, int]
    body: str | None = None
    state: AlertState = AlertState.PENDING
    tries: int = 0
    problem: str = ""
    not_before: Milliseconds
    create_time: Milliseconds
    last_time: Milliseconds
    end_time: Milliseconds | None = None

    @property
    def count(self) -> int:
        """How many alerts it stands for."""
        return sum(self.tally.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """An event that may have to be told, and the run that it belongs to."""

    id: int
    run: str
    sequence: int
    time: Milliseconds
    step: str
    attempt: int
    kind: str
    body: str
    project: str
    spec_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The newest figures that a condition was held against (JSON), and whether it held."""

    figures: str
    holds: bool


def triggers(connection: sqlite3.Connection, limit: int) -> list[Trigger]:
    """Return the oldest events that nobody has decided about."""
    rows = connection.execute(
        "SELECT t.id, e.run, e.sequence, e.time, e.step, e.attempt, e.kind, e.body, r.project, r.spec_name"
        " FROM alert_triggers t JOIN events e ON e.run = t.run AND e.sequence = t.sequence JOIN runs r ON r.id = t.run"
        " ORDER BY t.id LIMIT ?",
        (limit,),
    ).fetchall()
    return [Trigger(**dict(row)) for row in rows]


def decided(connection: sqlite3.Connection, last: int) -> None:
    """Forget the triggers up to an id: what follows from them is stored in the same transaction."""
    connection.execute("DELETE FROM alert_triggers WHERE id <= ?", (last,))


def condition(connection: sqlite3.Connection, run: str, rule: str) -> Condition | None:
    """Return what is known of a condition."""
    row = connection.execute(
        "SELECT figures, holds FROM alert_conditions WHERE run = ? AND rule = ?", (run, rule)
    ).fetchone()
    return None if row is None else Condition(figures=row["figures"], holds=bool(row["holds"]))


def set_condition(connection: sqlite3.Connection, run: str, rule: str, known: Condition) -> None:
    """Store what is known of a condition."""
    connection.execute(
        "INSERT INTO alert_conditions (run, rule, figures, holds) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET figures = excluded.figures, holds = excluded.holds",
        (run, rule, known.figures, int(known.holds)),
    )


def waiting(connection: sqlite3.Connection, created_before: Milliseconds) -> list[tuple[str, str, str, Milliseconds]]:
    """Return id, project, spec and time of the runs that were created before a time and have not begun."""
    rows = connection.execute(
        "SELECT id, project, spec_name, create_time FROM runs WHERE state = 'queued' AND create_time <= ?",
        (created_before,),
    ).fetchall()
    return [tuple(row) for row in rows]


def tell_wait(connection: sqlite3.Connection, run: str, rule: str, seconds: float, now: Milliseconds) -> None:
    """Write into the log, once a rule, that a run has waited so long; nothing for one that has begun meanwhile."""
    queued = connection.execute("SELECT 1 FROM runs WHERE id = ? AND state = 'queued'", (run,)).fetchone()
    if queued is None or condition(connection, run, rule) is not None:
        return
    set_condition(connection, run, rule, Condition(figures="{}", holds=True))
    body = {"rule": rule, "limit_seconds": seconds, "message": f"it has waited for {seconds:g} s and not begun"}
    events.append(connection, run, Entry(kind="run_waiting", body=body), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """When alerts stand for each other: those alike within `window`, and all of a sink beyond `most` in `span`."""

    window: Milliseconds
    most: int
    span: Milliseconds = 60_000


def put(connection: sqlite3.Connection, alert: AlertRecord, folding: Folding) -> None:
    """Store an alert, or count it in one that waits and is alike; a second one of its id is let go."""
    if connection.execute("SELECT 1 FROM alerts WHERE id = ?", (alert.id,)).fetchone():
        return
    if _counted(connection, alert, alert.fold):
        return
    recent = connection.execute(
        "SELECT count(*) FROM alerts WHERE sink = ? AND create_time > ?",
        (alert.sink, alert.create_time - folding.span),
    ).fetchone()[0]
    if recent >= folding.most:
        if not _counted(connection, alert, MANY):
            _insert(connection, alert, fold=MANY, kind=MANY, not_before=alert.create_time + folding.span)
        return
    (earlier,) = connection.execute(
        "SELECT max(create_time) FROM alerts WHERE sink = ? AND fold = ?", (alert.sink, alert.fold)
    ).fetchone()
    if earlier is None or alert.create_time - earlier >= folding.window:
        _insert(connection, alert)
    else:
        _insert(connection, alert, not_before=earlier + folding.window)


def _counted(connection: sqlite3.Connection, alert: AlertRecord, fold: str) -> bool:
    row = connection.execute(
        "SELECT number, tally FROM alerts WHERE sink = ? AND fold = ? AND state = 'pending' AND body IS NULL"
        " ORDER BY number DESC LIMIT 1",
        (alert.sink, fold),
    ).fetchone()
    if row is None:
        return False
    tally = Counter(json.loads(row["tally"])) + Counter(alert.tally)
    connection.execute(
        "UPDATE alerts SET tally = ?, last_time = ?, message = ? WHERE number = ?",
        (json.dumps(tally), alert.last_time, alert.message, row["number"]),
    )
    return True


def _insert(connection: sqlite3.Connection, alert: AlertRecord, **other: Any) -> None:
    values = {name: getattr(alert, name) for name in AlertRecord.__dataclass_fields__ if name != "number"}
    values |= {"tally": json.dumps(dict(alert.tally)), **other}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO alerts ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    _log(connection, alert, "alert_raised", alert.create_time, severity=alert.severity, alerted=values["kind"])


def due(connection: sqlite3.Connection, now: Milliseconds) -> list[AlertRecord]:
    """Return the oldest alert of each sink whose time has come."""
    rows = connection.execute(
        "SELECT * FROM alerts WHERE number IN"
        " (SELECT min(number) FROM alerts WHERE state = 'pending' AND not_before <= ? GROUP BY sink)",
        (now,),
    ).fetchall()
    return [_record(row) for row in rows]


def begin_try(connection: sqlite3.Connection, number: int, body: str, again: Milliseconds) -> AlertRecord | None:
    """Count a try before it is made and fix what is sent; `again` is when the next one is made if we die meanwhile.

    None when the alert does not wait any more.
    """
    row = connection.execute(
        "UPDATE alerts SET tries = tries + 1, body = coalesce(body, ?), not_before = ?"
        " WHERE number = ? AND state = 'pending' RETURNING *",
        (body, again, number),
    ).fetchone()
    return None if row is None else _record(row)


def delivered(connection: sqlite3.Connection, alert: AlertRecord, now: Milliseconds) -> None:
    """Note that a sink has taken an alert."""
    connection.execute(
        "UPDATE alerts SET state = 'delivered', problem = '', end_time = ? WHERE number = ?", (now, alert.number)
    )
    _log(connection, alert, "alert_delivered", now, tries=alert.tries)


def failed(connection: sqlite3.Connection, alert: AlertRecord, problem: str) -> None:
    """Note why a try failed; the next one follows."""
    connection.execute("UPDATE alerts SET problem = ? WHERE number = ?", (problem, alert.number))


def give_up(connection: sqlite3.Connection, alert: AlertRecord, problem: str, now: Milliseconds) -> None:
    """Note that an alert is not tried any more."""
    connection.execute(
        "UPDATE alerts SET state = 'dead', problem = ?, end_time = ? WHERE number = ? AND state = 'pending'",
        (problem, now, alert.number),
    )
    _log(connection, alert, "alert_dead", now, tries=alert.tries, problem=problem)


def put_to_rest(connection: sqlite3.Connection, problem: str, now: Milliseconds) -> None:
    """Give up everything that waits, and forget what was not decided yet: it is another daemon's by now."""
    connection.execute("DELETE FROM alert_triggers")
    for row in connection.execute("SELECT * FROM alerts WHERE state = 'pending'").fetchall():
        give_up(connection, _record(row), problem, now)


def forget(connection: sqlite3.Connection, before: Milliseconds) -> int:
    """Remove the alerts that ended before a time, and what is known of conditions of runs that did; return how many
    alerts. That they were raised, and what became of them, still stands in the logs of their runs.
    """
    connection.execute("DELETE FROM alert_conditions WHERE run IN (SELECT id FROM runs WHERE end_time < ?)", (before,))
    return connection.execute("DELETE FROM alerts WHERE state <> 'pending' AND end_time < ?", (before,)).rowcount


def revive(connection: sqlite3.Connection, alert: AlertRecord, now: Milliseconds) -> AlertRecord:
    """Let an alert that was given up, or waits for its next try, be tried now; it may be tried as long as a new one."""
    row = connection.execute(
        "UPDATE alerts SET state = 'pending', not_before = ?, last_time = max(last_time, ?), end_time = NULL"
        " WHERE number = ? AND state IN ('pending', 'dead') RETURNING *",
        (now, now, alert.number),
    ).fetchone()
    if row is None:
        return alert
    _log(connection, alert, "alert_retried", now)
    return _record(row)


def get(connection: sqlite3.Connection, identifier: str) -> AlertRecord | None:
    """Return an alert, None when there is none of that id."""
    row = connection.execute("SELECT * FROM alerts WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else _record(row)


def page(
    connection: sqlite3.Connection,
    *,
    before: int,
    limit: int,
    states: Sequence[AlertState] = (),
    run: str = "",
    sink: str = "",
    projects: Projects = None,
) -> list[AlertRecord]:
    """Return alerts, newest first, with a number below `before` (0: from the newest)."""
    where = Conditions().within(projects).below("number", before).equal(run=run, sink=sink).among("state", states)
    query = f"SELECT * FROM alerts WHERE {where.text} ORDER BY number DESC LIMIT ?"  # noqa: S608
    return [_record(row) for row in connection.execute(query, (*where.values, limit)).fetchall()]


def _log(connection: sqlite3.Connection, alert: AlertRecord, kind: str, now: Milliseconds, **more: Any) -> None:
    body = {"alert": alert.id, "sink": alert.sink, **more}
    events.append(connection, alert.run, Entry(kind=kind, step=alert.step, attempt=alert.attempt, body=body), now)


def _record(row: sqlite3.Row) -> AlertRecord:
    return AlertRecord(**{**dict(row), "tally": json.loads(row["tally"]), "state": AlertState(row["state"])})
