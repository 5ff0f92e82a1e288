"""What has happened to the machine: devices that came, went, were kept out or taken back; maintenance."""

import sqlite3
from dataclasses import asdict, dataclass, field

from tunewright.daemon.actor import ACTOR
from tunewright.daemon.clock import Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEntry:
    """One entry; `subject` is a device's UUID or empty, `actor` a person or the daemon, `body` JSON."""

    sequence: int = 0
    time: Milliseconds
    kind: str
    subject: str = ""
    actor: str = field(default_factory=ACTOR.get)
    reason: str = ""
    body: str = "{}"


def append(connection: sqlite3.Connection, entry: MachineEntry) -> None:
    """Append an entry; it belongs into the transaction of what it tells of."""
    connection.execute(
        "INSERT INTO machine_log (time, kind, subject, actor, reason, body)"
        " VALUES (:time, :kind, :subject, :actor, :reason, :body)",
        asdict(entry),
    )


def entries(connection: sqlite3.Connection, *, before: int = 0, limit: int = 100) -> list[MachineEntry]:
    """Return entries, newest first, with a sequence below `before` (0: from the newest)."""
    query = "SELECT * FROM machine_log WHERE ? = 0 OR sequence < ? ORDER BY sequence DESC LIMIT ?"
    return [MachineEntry(**dict(row)) for row in connection.execute(query, (before, before, limit)).fetchall()]
