"""What the store says at a scrape, by queries that read indexes only."""

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.queue.machine import is_slot
from tunewright.daemon.store import deployments, devices, leases, queue
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.store.devices import DeviceRecord

#: Runners say themselves why they failed: what is no such word, and what is rarer than so many others, is `other`.
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,40}")
_MAX_OUTCOMES = 50
_OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveStep:
    """A step that has a live attempt now."""

    run: str
    step: str
    attempt: int
    verb: str
    project: str
    spec_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Runs of a project that have not begun: how many, and since when the oldest waits."""

    count: int
    since: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReading:
    """Counts of the store at one moment."""

    runs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By project and state."""
    queue: Mapping[str, Waiting] = field(default_factory=dict)
    """By project."""
    waiting_steps: Mapping[str, int] = field(default_factory=dict)
    """By project."""
    leases: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By project and kind of unit."""
    steps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By kind and state."""
    attempts: Mapping[str, int] = field(default_factory=dict)
    """By outcome."""
    active: tuple[ActiveStep, ...] = ()
    deployments: tuple[DeploymentRecord, ...] = ()
    """Those that have not ended."""
    devices: tuple[DeviceRecord, ...] = ()
    """All that were ever seen."""
    pending_alerts: Mapping[str, int] = field(default_factory=dict)
    """By sink."""


def read_store(connection: sqlite3.Connection, now: Milliseconds) -> StoreReading:
    """Return what the store says now, all of it of one moment; the connection has `sqlite3.Row` rows."""
    connection.execute("BEGIN")
    try:
        return StoreReading(
            runs=_runs(connection),
            queue=_queue(connection),
            waiting_steps=Counter(item.project for item in queue.waiting(connection, now)),
            leases=Counter((lease.project, _kind(lease.unit)) for lease in leases.every(connection)),
            steps=_steps(connection),
            attempts=_attempts(connection),
            active=_active(connection),
            deployments=tuple(deployments.alive(connection)),
            devices=tuple(devices.every(connection)),
            pending_alerts=_pending_alerts(connection),
        )
    finally:
        connection.execute("COMMIT")


def _runs(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute("SELECT project, state, count(*) AS n FROM runs GROUP BY state, project")
    return {(row["project"], row["state"]): row["n"] for row in rows}


def _queue(connection: sqlite3.Connection) -> dict[str, Waiting]:
    rows = connection.execute(
        "SELECT project, count(*) AS n, min(create_time) AS since FROM runs WHERE state = 'queued' GROUP BY project"
    )
    return {row["project"]: Waiting(count=row["n"], since=row["since"]) for row in rows}


def _kind(unit: str) -> str:
    return "cpu_slot" if is_slot(unit) else "accelerator"


def _steps(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute("SELECT kind, state, count(*) AS n FROM steps GROUP BY state, kind")
    return {(row["kind"], row["state"]): row["n"] for row in rows}


def _attempts(connection: sqlite3.Connection) -> dict[str, int]:
    found: Counter[str] = Counter()
    rows = connection.execute(
        "SELECT outcome, count(*) AS n FROM attempts WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY outcome"
    )
    for row in rows:
        word = row["outcome"]
        known = _REASON.fullmatch(word) is not None and (word in found or len(found) < _MAX_OUTCOMES)
        found[word if known else _OTHER] += row["n"]
    return dict(found)


def _pending_alerts(connection: sqlite3.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT sink, count(*) AS n FROM alerts WHERE state = 'pending' GROUP BY sink")
    return {row["sink"]: row["n"] for row in rows}


def _active(connection: sqlite3.Connection) -> tuple[ActiveStep, ...]:
    rows = connection.execute(
        "SELECT steps.run, steps.name AS step, steps.attempt, steps.verb, runs.project, runs.spec_name FROM steps"
        " JOIN runs ON runs.id = steps.run WHERE steps.state IN ('starting', 'running', 'cancelling')"
    )
    return tuple(ActiveStep(**dict(row)) for row in rows)
