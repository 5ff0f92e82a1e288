"""Tokens, blocked identities and the log of access in the store."""

import sqlite3
from dataclasses import asdict, dataclass

from tunewright.daemon.clock import Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token as stored; `grants` is JSON, a list of [project, role]; `certificate` the SHA-256 of the one that has to
    come with it, empty for none.
    """

    number: int = 0
    id: str
    subject: str
    digest: str
    grants: str
    create_time: Milliseconds
    created_by: str
    expire_time: Milliseconds
    revoke_time: Milliseconds | None = None
    revoked_by: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRecord:
    """Somebody whom nothing lets in."""

    subject: str
    reason: str
    create_time: Milliseconds
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """One entry of the log of access; `body` is JSON."""

    sequence: int = 0
    time: Milliseconds
    kind: str
    actor: str
    credential: str = ""
    peer: str = ""
    method: str = ""
    reason: str = ""
    body: str = "{}"


def insert_token(connection: sqlite3.Connection, token: TokenRecord) -> None:
    """Store a new token."""
    connection.execute(
        "INSERT INTO tokens (id, subject, digest, grants, create_time, created_by, expire_time, certificate)"
        " VALUES (:id, :subject, :digest, :grants, :create_time, :created_by, :expire_time, :certificate)",
        asdict(token),
    )


def token(connection: sqlite3.Connection, identifier: str) -> TokenRecord | None:
    """Return a token, None when there is none of that id."""
    row = connection.execute("SELECT rowid AS number, * FROM tokens WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else TokenRecord(**dict(row))


def tokens(connection: sqlite3.Connection, *, before: int, ended_before: Milliseconds | None) -> list[TokenRecord]:
    """Return tokens, newest first, below `before` (0: from the newest); without those that had ended at a time."""
    conditions, values = ["(? = 0 OR rowid < ?)"], [before, before]
    if ended_before is not None:
        conditions.append("revoke_time IS NULL AND expire_time > ?")
        values.append(ended_before)
    query = f"SELECT rowid AS number, * FROM tokens WHERE {' AND '.join(conditions)} ORDER BY rowid DESC"  # noqa: S608
    return [TokenRecord(**dict(row)) for row in connection.execute(query, values).fetchall()]


def revoke_token(connection: sqlite3.Connection, identifier: str, by: str, now: Milliseconds) -> bool:
    """Revoke a token; answer whether that changed anything."""
    query = "UPDATE tokens SET revoke_time = ?, revoked_by = ? WHERE id = ? AND revoke_time IS NULL"
    return connection.execute(query, (now, by, identifier)).rowcount == 1


def block(connection: sqlite3.Connection, record: BlockRecord) -> None:
    """Store a block; one that is there stays as it is."""
    connection.execute(
        "INSERT INTO blocked (subject, reason, create_time, created_by)"
        " VALUES (:subject, :reason, :create_time, :created_by) ON CONFLICT (subject) DO NOTHING",
        asdict(record),
    )


def unblock(connection: sqlite3.Connection, subject: str) -> bool:
    """Remove a block; answer whether there was one."""
    return connection.execute("DELETE FROM blocked WHERE subject = ?", (subject,)).rowcount == 1


def blocked(connection: sqlite3.Connection, subject: str) -> BlockRecord | None:
    """Return the block of somebody, None when nothing keeps them out."""
    row = connection.execute("SELECT * FROM blocked WHERE subject = ?", (subject,)).fetchone()
    return None if row is None else BlockRecord(**dict(row))


def all_blocked(connection: sqlite3.Connection) -> list[BlockRecord]:
    """Return every block, by name."""
    rows = connection.execute("SELECT * FROM blocked ORDER BY subject").fetchall()
    return [BlockRecord(**dict(row)) for row in rows]


def append(connection: sqlite3.Connection, entry: AccessEntry) -> None:
    """Append an entry to the log of access."""
    connection.execute(
        "INSERT INTO access_log (time, kind, actor, credential, peer, method, reason, body)"
        " VALUES (:time, :kind, :actor, :credential, :peer, :method, :reason, :body)",
        asdict(entry),
    )


def entries(connection: sqlite3.Connection, *, before: int, limit: int) -> list[AccessEntry]:
    """Return entries of the log, newest first, with a sequence below `before` (0: from the newest)."""
    query = "SELECT * FROM access_log WHERE ? = 0 OR sequence < ? ORDER BY sequence DESC LIMIT ?"
    return [AccessEntry(**dict(row)) for row in connection.execute(query, (before, before, limit)).fetchall()]
