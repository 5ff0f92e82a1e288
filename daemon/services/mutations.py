"""What requests that change something have in common: an id that makes them idempotent, the etag that they were decided
on, and whether they are only tried.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.clock import Clock
from tunewright.daemon.engine.replays import replay_of
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services.requests import invalid
from tunewright.daemon.store import request_ids
from tunewright.daemon.store.request_ids import Remembered

_MAX_REQUEST_ID = 100


class ReplayedError(Exception):
    """The request was carried out before: nothing is done, the caller is told how things are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """The common part of one request; `digest` is that of all the rest of it."""

    request_id: str = ""
    digest: str = ""
    etag: str = ""
    validate_only: bool = False

    def hold_to(self, etag: str, name: str) -> None:
        """Raise RefusedError where the request was decided on something older."""
        if self.etag and self.etag != etag:
            message = f"{name} has changed since it was read (etag {self.etag[:100]}, now {etag}): look again"
            raise RefusedError("ETAG_MISMATCH", message, etag=etag, name=name)

    def replayed(self, connection: sqlite3.Connection, project: str) -> bool:
        """Answer whether the request was carried out before; raise RefusedError where its id came with another one."""
        return replay_of(connection, project, self.request_id, self.digest) is not None

    def note(self, project: str, subject: str, clock: Clock) -> Callable[[sqlite3.Connection], None] | None:
        """Return what stores that the request is carried out, to be called in the transaction that does.

        It raises ReplayedError when somebody was faster. None for a request without an id.
        """
        if not self.request_id:
            return None

        def remember(connection: sqlite3.Connection) -> None:
            if self.replayed(connection, project):
                raise ReplayedError
            wanted = Remembered(subject=subject, digest=self.digest)
            request_ids.insert(connection, project, self.request_id, wanted, clock.now())

        return remember


def mutation(request: Any) -> Mutation:
    """Return the common part of a request; raise RefusedError where its id is too long."""
    check_request_id(request.request_id)
    rest = type(request)()
    rest.CopyFrom(request)
    rest.ClearField("request_id")
    content = rest.SerializeToString(deterministic=True)
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0" + content).hexdigest()
    return Mutation(
        request_id=request.request_id,
        digest=f"sha256:{digest}",
        etag=request.etag,
        validate_only=request.validate_only,
    )


def check_request_id(request_id: str) -> None:
    """Raise RefusedError where an id is too long to be kept."""
    if len(request_id) > _MAX_REQUEST_ID:
        raise invalid("request_id", f"must be at most {_MAX_REQUEST_ID} characters")
