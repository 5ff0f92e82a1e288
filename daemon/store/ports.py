"""Ports that services hold: one service at a time has one, from its first start until its deployment has ended."""

import sqlite3

#: A lease lasts as long as its step starts or runs, or a deployment that it made has not ended.
_OVER = (
    "NOT EXISTS (SELECT 1 FROM steps s WHERE s.run = port_leases.run AND s.name = port_leases.step"
    " AND s.state IN ('starting', 'running', 'retrying', 'cancelling'))"
    " AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.run = port_leases.run AND d.step = port_leases.step"
    " AND d.state IN ('live', 'restarting', 'stopping'))"
)


def lease(connection: sqlite3.Connection, run: str, step: str, port: int) -> tuple[str, str] | None:
    """Give a port to a service that begins; return the run and the step that hold it where somebody else does."""
    connection.execute(f"DELETE FROM port_leases WHERE {_OVER}")  # noqa: S608
    connection.execute(
        "INSERT INTO port_leases (port, run, step) VALUES (?, ?, ?) ON CONFLICT (port) DO NOTHING", (port, run, step)
    )
    holder = connection.execute("SELECT run, step FROM port_leases WHERE port = ?", (port,)).fetchone()
    found = (str(holder[0]), str(holder[1]))
    return None if found == (run, step) else found
