"""Leases in the store: which step has which device or CPU slot, and what the projects have had of them.

A lease begins in the transaction that stores the attempt and ends in the one that stores its end; a service keeps its
own as long as it stays, from attempt to attempt.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.queue.machine import is_slot
from tunewright.daemon.queue.share import Use, used
from tunewright.daemon.store import devices

DEVICES, SLOTS = "devices", "slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who has a device or a CPU slot, since when."""

    unit: str
    run: str
    step: str
    project: str
    start: Milliseconds


class TakenError(Exception):
    """Somebody else has one of them: nobody gets a part of what was wanted."""


def take(
    connection: sqlite3.Connection,
    run: str,
    step: str,
    attempt: int,
    project: str,
    units: Iterable[str],
    now: Milliseconds,
) -> None:
    """Lease all of these units to an attempt; raise TakenError."""
    rows = [(unit, run, step, attempt, project, now) for unit in units]
    try:
        connection.executemany(
            "INSERT INTO leases (device, run, step, attempt, project, start_time) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
    except sqlite3.IntegrityError as error:
        raise TakenError(f"{run}/{step} wants what somebody else has") from error


def release(connection: sqlite3.Connection, run: str, step: str, now: Milliseconds) -> None:
    """End the leases of a step, and add what it has had to its project's use."""
    rows = connection.execute(
        "DELETE FROM leases WHERE run = ? AND step = ? RETURNING device, project, start_time", (run, step)
    ).fetchall()
    devices.settle(connection, (row[0] for row in rows), devices.had_by(run, step), now)
    for device, project, start in rows:
        _add(connection, project, SLOTS if is_slot(device) else DEVICES, used(1, start, now), now)


def carry(connection: sqlite3.Connection, run: str, step: str, attempt: int) -> None:
    """Let the next attempt of a service have what the one before had."""
    connection.execute("UPDATE leases SET attempt = ? WHERE run = ? AND step = ?", (attempt, run, step))


def of_step(connection: sqlite3.Connection, run: str, step: str) -> tuple[str, ...]:
    """Return the devices that a step has, without CPU slots, in the order in which it got them."""
    rows = connection.execute("SELECT device FROM leases WHERE run = ? AND step = ? ORDER BY rowid", (run, step))
    return tuple(row[0] for row in rows if not is_slot(row[0]))


def every(connection: sqlite3.Connection) -> list[Lease]:
    """Return all leases there are."""
    rows = connection.execute("SELECT device, run, step, project, start_time FROM leases").fetchall()
    return [
        Lease(unit=device, run=run, step=step, project=project, start=start)
        for device, run, step, project, start in rows
    ]


def use(connection: sqlite3.Connection, kind: str, now: Milliseconds) -> dict[str, float]:
    """Return what each project has had of a kind of unit, in unit-seconds as they count now."""
    rows = connection.execute("SELECT project, unit_seconds, time FROM use_of_projects WHERE kind = ?", (kind,))
    found = {row["project"]: Use(row["unit_seconds"], row["time"]).at(now) for row in rows.fetchall()}
    for lease in every(connection):
        if is_slot(lease.unit) == (kind == SLOTS):
            found[lease.project] = found.get(lease.project, 0.0) + used(1, lease.start, now)
    return found


def _add(connection: sqlite3.Connection, project: str, kind: str, more: float, now: Milliseconds) -> None:
    row = connection.execute(
        "SELECT unit_seconds, time FROM use_of_projects WHERE project = ? AND kind = ?", (project, kind)
    ).fetchone()
    before = 0.0 if row is None else Use(row[0], row[1]).at(now)
    connection.execute(
        "INSERT INTO use_of_projects (project, kind, unit_seconds, time) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (project, kind) DO UPDATE SET unit_seconds = ?3, time = ?4",
        (project, kind, before + more, now),
    )
