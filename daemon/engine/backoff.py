"""How long to wait before trying again: twice as long each time, up to a limit."""

from tunewright.daemon.clock import Milliseconds

FIRST_MILLISECONDS = 1_000
LONGEST_MILLISECONDS = 60_000


def backoff_milliseconds(failures: int) -> Milliseconds:
    """Return the pause after the `failures`-th failure in a row (from 1)."""
    return int(min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2.0 ** min(failures - 1, 30)))
