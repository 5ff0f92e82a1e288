"""The log of access: who was kept out and why, and every change of who is let in."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunewright.daemon.access.door import Evidence
from tunewright.daemon.access.identities import Identity
from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.store import access
from tunewright.daemon.store.access import AccessEntry
from tunewright.daemon.store.database import Database, StorageBusyError, StorageFullError

#: Refusals that are worth an entry: somebody tried what is not theirs. A field that is wrong is not.
LOGGED = frozenset(
    {
        "CREDENTIAL_MISSING",
        "CREDENTIAL_INVALID",
        "CREDENTIAL_EXPIRED",
        "CREDENTIAL_REVOKED",
        "PERMISSION_MISSING",
        "FOLDER_FORBIDDEN",
        "RATE_LIMITED",
        "QUOTA_EXCEEDED",
    }
)
_QUIET: Milliseconds = 60_000
_MAX_KEYS = 1000


@dataclass(slots=True)
class AccessLog:
    """Writes the log. The same refusal again within a minute is counted, not written: nobody fills the disk with it."""

    database: Database
    clock: Clock
    measures: Measures = NO_MEASURES
    _last: dict[tuple[str, ...], tuple[Milliseconds, int]] = field(default_factory=dict)

    async def denied(
        self, error: RefusedError, evidence: Evidence, identity: Identity | None, method: str, kind: str = "denied"
    ) -> None:
        """Note a refusal; one that can't be stored is let go: the call is refused all the same."""
        if error.reason not in LOGGED:
            return
        self.measures.denied(error.reason)
        now, actor = self.clock.now(), identity.subject if identity is not None else ""
        key = (kind, error.reason, actor or evidence.host, method)
        before, count = self._last.get(key, (None, 0))
        if before is not None and now - before < _QUIET:
            self._last[key] = (before, count + 1)
            return
        if len(self._last) >= _MAX_KEYS:
            self._last.clear()
        self._last[key] = (now, 0)
        body = {**error.metadata, **({"also": count} if count else {})}
        entry = AccessEntry(
            time=now,
            kind=kind,
            actor=actor,
            credential=identity.credential if identity is not None else error.metadata.get("credential", ""),
            peer=evidence.peer,
            method=method,
            reason=error.reason,
            body=json.dumps(body, ensure_ascii=False),
        )
        try:
            await self.database.write(lambda connection: access.append(connection, entry))
        except (StorageFullError, StorageBusyError):
            return

    def change(self, kind: str, identity: Identity, **body: Any) -> Callable[[Any], None]:
        """Return the operation that notes a change of who is let in; it belongs into the transaction of the change."""
        entry = AccessEntry(
            time=self.clock.now(),
            kind=kind,
            actor=identity.subject,
            credential=identity.credential,
            body=json.dumps(body, ensure_ascii=False),
        )
        return lambda connection: access.append(connection, entry)
