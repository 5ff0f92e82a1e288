"""Tokens that count only beside one certificate."""

import sqlite3


def add_binding(connection: sqlite3.Connection) -> None:
    """Give tokens the SHA-256 of a certificate; empty for a token that counts by itself."""
    connection.execute("ALTER TABLE tokens ADD COLUMN certificate TEXT NOT NULL DEFAULT ''")
