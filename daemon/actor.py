"""Who does what is being done: the caller of the call that is served, or the daemon itself."""

from contextvars import ContextVar

DAEMON = "daemon"

#: Set for the length of a call. Writes to the store take it along, so that no log entry can be without it.
ACTOR: ContextVar[str] = ContextVar("tunewright_actor", default=DAEMON)
