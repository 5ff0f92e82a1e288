"""Runs have priorities, steps needs; what a step holds of the machine is leased to it, one holder a device; what a
project has had is added up.
"""

import json
import sqlite3
from typing import Any

_STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN preemptible INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE steps ADD COLUMN devices INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE steps ADD COLUMN slots INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE steps ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE steps ADD COLUMN limit_seconds REAL",
    "ALTER TABLE steps ADD COLUMN preempted_for TEXT",
    """CREATE TABLE leases (
  device TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  project TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  FOREIGN KEY (run, step, attempt) REFERENCES attempts (run, step, number)
) STRICT""",
    "CREATE UNIQUE INDEX one_holder_a_device ON leases (device)",
    "CREATE INDEX leases_by_step ON leases (run, step)",
    """CREATE TABLE use_of_projects (
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  unit_seconds REAL NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (project, kind)
) STRICT, WITHOUT ROWID""",
)
_UNFINISHED = "SELECT id, plan FROM runs WHERE state NOT IN ('succeeded', 'failed', 'cancelled')"
_LIVE = (
    "SELECT s.run, s.name, s.attempt, r.project, a.start_time FROM steps s JOIN runs r ON r.id = s.run"
    " JOIN attempts a ON a.run = s.run AND a.step = s.name AND a.number = s.attempt"
    " WHERE s.state IN ('starting', 'running', 'cancelling') AND s.slots = 1"
)


def add_queueing(connection: sqlite3.Connection) -> None:
    """Add the columns and tables; write down what the steps need that are still to be done."""
    for statement in _STATEMENTS:
        connection.execute(statement)
    for run, plan in connection.execute(_UNFINISHED).fetchall():
        for step in json.loads(plan).get("steps", ()):
            devices, slots, memory = _needs(step)
            connection.execute(
                "UPDATE steps SET devices = ?, slots = ?, memory_bytes = ?, limit_seconds = ?"
                " WHERE run = ? AND name = ?",
                (devices, slots, memory, step["limits"]["total_seconds"], run, step["name"]),
            )
    for number, row in enumerate(connection.execute(_LIVE).fetchall()):
        connection.execute(
            "INSERT INTO leases (device, run, step, attempt, project, start_time) VALUES (?, ?, ?, ?, ?, ?)",
            (f"cpu:{number}", *row),
        )


def _needs(step: dict[str, Any]) -> tuple[int, int, int]:
    """What a step of a plan needed when this migration was written."""
    if step["gate"] is not None:
        return 0, 0, 0
    processes = 1 if step["launch"] is None else step["launch"]["processes_per_node"]
    if step["parameters"].get("device", "cpu") in ("cpu", "mps"):
        return 0, int(not step["service"]), (step["estimate"]["memory_bytes"] or 0) * processes
    parallel = step["parameters"].get("tensor_parallel") if step["service"] else None
    return (parallel if isinstance(parallel, int) and parallel > 0 else processes), 0, 0
