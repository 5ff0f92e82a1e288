"""How long to wait before trying again: twice as long each time, up to a limit."""

from tunewright.daemon.clock import Milliseconds

FIRST_MILLISECONDS = 1_000
LONGEST_MILLISECONDS = 60_000


def backoff_milliseconds(failures: int, first: Milliseconds | None = None) -> Milliseconds:
    """Return the pause after the `failures`-th failure in a row (from 1); `first` is that of the first one."""
    begin = FIRST_MILLISECONDS if first is None else first
    return int(min(LONGEST_MILLISECONDS, begin * 2.0 ** min(failures - 1, 30)))
