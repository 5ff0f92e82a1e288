"""What is told to whoever traces. Nobody does unless an endpoint is configured."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tunewright.daemon.engine.states import RunRecord
from tunewright.daemon.measures import CallClock


class Tracer:
    """Traces nothing; `otlp.py` has the one that does."""

    @contextmanager
    def call(self, method: str, metadata: Any, clock: CallClock) -> Iterator[None]:
        """Follow a call; `clock` knows its status when it has ended."""
        del method, metadata, clock
        yield

    def changed(self, connection: sqlite3.Connection, before: RunRecord, after: RunRecord) -> None:
        """Tell of a run that has changed; the connection is for reading."""

    def close(self) -> None:
        """Send what is left."""


NO_TRACES = Tracer()
