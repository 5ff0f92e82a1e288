"""Steps that could begin and steps that hold something, as the queue is decided from: read anew each time."""

import sqlite3
from collections.abc import Iterator

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.schedule import pause_over
from tunewright.daemon.queue.entries import Holding, Waiting
from tunewright.daemon.queue.resources import Resources
from tunewright.daemon.store import deployments

_WAITING = """
SELECT s.run, s.name, s.position, s.devices, s.slots, s.memory_bytes, s.limit_seconds, s.not_before, s.service,
  r.project, r.priority, r.number, r.spec_name
FROM runs r JOIN steps s ON s.run = r.id
WHERE r.state NOT IN ('succeeded', 'failed', 'cancelled') AND r.state IN ('queued', 'running')
  AND s.state IN ('waiting', 'retrying') AND s.verb <> 'gate'
  AND NOT EXISTS (
    SELECT 1 FROM json_each(s.needs) n JOIN steps d ON d.run = s.run AND d.name = n.value
    WHERE d.state NOT IN ('succeeded', 'reused'))
"""
_LIVE = """
SELECT s.run, s.name, s.devices, s.slots, s.memory_bytes, s.limit_seconds, s.state, s.verb, s.service, s.preempted_for,
  r.project, r.priority, r.preemptible, r.state AS run_state, a.start_time
FROM steps s JOIN runs r ON r.id = s.run JOIN attempts a ON a.run = s.run AND a.step = s.name AND a.number = s.attempt
WHERE s.state IN ('starting', 'running', 'cancelling')
"""
_SERVING = """
SELECT s.run, s.name, s.devices, s.slots, s.memory_bytes, d.state, d.create_time, r.project, r.priority
FROM deployments d JOIN steps s ON s.run = d.run AND s.name = d.step JOIN runs r ON r.id = d.run
WHERE d.state IN ('live', 'restarting', 'stopping')
"""


def waiting(connection: sqlite3.Connection, now: Milliseconds) -> Iterator[Waiting]:
    """Yield the steps whose turn it could be: what they need is done and no pause holds them back."""
    for row in connection.execute(_WAITING).fetchall():
        if not pause_over(row["not_before"], now):
            continue
        if row["service"] and deployments.name_taken(
            connection, row["project"], row["spec_name"], row["name"], row["run"]
        ):
            continue  # it waits for the revision before it, and keeps nothing from anybody meanwhile
        yield Waiting(
            run=row["run"],
            step=row["name"],
            project=row["project"],
            priority=row["priority"],
            age=(row["number"], row["position"]),
            needs=_resources(row),
            limit=_limit(row),
        )


def holding(connection: sqlite3.Connection) -> Iterator[Holding]:
    """Yield the steps with a live attempt, and the services that stay."""
    for row in connection.execute(_LIVE).fetchall():
        pauses = row["verb"] == "train" and not row["service"]
        stopped = row["state"] == "cancelling" or (pauses and row["run_state"] == "pausing")
        yield Holding(
            run=row["run"],
            step=row["name"],
            project=row["project"],
            priority=row["priority"],
            holds=_resources(row),
            start=row["start_time"],
            limit=None if row["service"] else _limit(row),
            preemptible=bool(row["preemptible"]) and pauses,
            leaving=stopped or row["preempted_for"] is not None,
        )
    for row in connection.execute(_SERVING).fetchall():
        yield Holding(
            run=row["run"],
            step=row["name"],
            project=row["project"],
            priority=row["priority"],
            holds=_resources(row),
            start=row["create_time"],
            leaving=row["state"] == "stopping",
        )


def is_untold(connection: sqlite3.Connection, run: str, step: str, attempt: int) -> bool:
    """Answer whether a step waits for its next attempt and its log does not say so; an earlier daemon may have."""
    row = connection.execute(
        "SELECT state IN ('waiting', 'retrying') AND attempt = ?3 AND NOT EXISTS (SELECT 1 FROM events"
        " WHERE run = ?1 AND step = ?2 AND attempt = ?3 AND kind = 'step_waiting')"
        " FROM steps WHERE run = ?1 AND name = ?2",
        (run, step, attempt),
    ).fetchone()
    return bool(row[0])


def _resources(row: sqlite3.Row) -> Resources:
    return Resources(devices=row["devices"], slots=row["slots"], memory_bytes=row["memory_bytes"])


def _limit(row: sqlite3.Row) -> Milliseconds | None:
    seconds = row["limit_seconds"]
    return None if seconds is None else int(seconds * 1000)
