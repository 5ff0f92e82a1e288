"""The lock that says a supervisor lives: the kernel drops it with the process, so it can't be stale."""

import fcntl
import os
import time
from pathlib import Path

from tunewright.runners import contract

# A probe takes the lock shared for an instant: whoever wants it for good tries again before believing that it is held.
_PATIENCE_SECONDS = 0.25


def take(bundle: Path) -> int | None:
    """Return a descriptor that holds the bundle's lock, None when another process holds it."""
    descriptor = os.open(bundle / contract.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _flock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(0.01)
    return descriptor


def held(bundle: Path) -> bool:
    """Answer whether some process holds the bundle's lock."""
    try:
        descriptor = os.open(bundle / contract.LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
