"""Maintenance in the store: at most one, and what still runs while it lasts."""

import json
import sqlite3
from dataclasses import asdict, dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.store import machine_log
from tunewright.daemon.store.machine_log import MachineEntry

_LIVE = "SELECT run, name FROM steps WHERE state IN ('starting', 'running', 'cancelling') AND service = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """No step begins. `checkpoint`: those that run are asked to stop where they can go on; `deadline`: then at the
    latest.
    """

    reason: str
    checkpoint: bool
    deadline: Milliseconds | None
    begin_time: Milliseconds
    begun_by: str

    def asks(self, now: Milliseconds) -> bool:
        """Answer whether steps that run are asked to stop at their next checkpoint."""
        return self.checkpoint or (self.deadline is not None and now >= self.deadline)


def current(connection: sqlite3.Connection) -> Maintenance | None:
    """Return the maintenance that lasts, None where there is none."""
    row = connection.execute(
        "SELECT reason, checkpoint, deadline, begin_time, begun_by FROM maintenance WHERE id = 1"
    ).fetchone()
    return None if row is None else Maintenance(**{**dict(row), "checkpoint": bool(row["checkpoint"])})


def begin(connection: sqlite3.Connection, wanted: Maintenance) -> Maintenance:
    """Store maintenance; where it lasts already, what is wanted now replaces all but who began it and when."""
    earlier = current(connection)
    connection.execute(
        "INSERT INTO maintenance (id, reason, checkpoint, deadline, begin_time, begun_by)"
        " VALUES (1, :reason, :checkpoint, :deadline, :begin_time, :begun_by)"
        " ON CONFLICT (id) DO UPDATE SET reason = :reason, checkpoint = :checkpoint, deadline = :deadline",
        {**asdict(wanted), "checkpoint": int(wanted.checkpoint)},
    )
    kind = "maintenance_begun" if earlier is None else "maintenance_changed"
    body = json.dumps({"checkpoint": wanted.checkpoint, "deadline": wanted.deadline})
    machine_log.append(connection, MachineEntry(time=wanted.begin_time, kind=kind, reason=wanted.reason, body=body))
    return current(connection) or wanted


def end(connection: sqlite3.Connection, now: Milliseconds) -> bool:
    """End maintenance; answer whether there was one."""
    if connection.execute("DELETE FROM maintenance").rowcount == 0:
        return False
    machine_log.append(connection, MachineEntry(time=now, kind="maintenance_ended"))
    return True


def still_running(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return run and name of the steps that have a live attempt, but services: those stay."""
    return [(row["run"], row["name"]) for row in connection.execute(_LIVE).fetchall()]
