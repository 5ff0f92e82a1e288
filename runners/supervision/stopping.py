"""When an attempt has to stop: it is asked to, its time is up, or it says nothing any more."""

import json
from pathlib import Path
from typing import NamedTuple

from tunewright.runners import contract
from tunewright.runners.contract import Deadlines


class StopRequest(NamedTuple):
    """Why an attempt has to stop: CANCELLED, DEADLINE or STALLED, a sentence, and whether there is no grace."""

    cause: str
    message: str
    immediate: bool = False


class StopRule:
    """Looks at the cancel file and the clocks. Cheap: two stat calls a look."""

    def __init__(self, bundle: Path, deadlines: Deadlines, now: float) -> None:
        self._cancel = bundle / contract.CANCEL
        self._events = bundle / contract.EVENTS
        self._deadlines = deadlines
        self._begin = self._grown = now
        self._size = _size(self._events)
        self._seen: tuple[int, int] | None = None
        self._cancelled: StopRequest | None = None

    def restart_stall(self, now: float) -> None:
        """Give the next process the whole stall time."""
        self._grown = now

    def check(self, now: float) -> StopRequest | None:
        """Return why to stop at this moment of the monotonic clock, None while all is well."""
        return self.asked() or self._overdue(now)

    def asked(self) -> StopRequest | None:
        """Return the cancellation that is asked for, None while there is none."""
        try:
            status = self._cancel.stat()
            if self._seen != (status.st_ino, status.st_mtime_ns):
                self._cancelled = _read_request(self._cancel)
                self._seen = (status.st_ino, status.st_mtime_ns)
        except OSError:
            return self._cancelled
        return self._cancelled

    def _overdue(self, now: float) -> StopRequest | None:
        size = _size(self._events)
        if size != self._size:
            self._size, self._grown = size, now
        total, stall = self._deadlines.total_seconds, self._deadlines.stall_seconds
        if total is not None and now - self._begin >= total:
            return StopRequest("DEADLINE", f"not done within {total:g} s")
        if stall is not None and now - self._grown >= stall:
            return StopRequest("STALLED", f"no event for {stall:g} s: it hangs")
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_request(path: Path) -> StopRequest:
    """The file's existence is the request: whatever it holds, it cancels."""
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        value = None
    fields = value if isinstance(value, dict) else {}
    return StopRequest("CANCELLED", str(fields.get("reason") or "cancelled"), fields.get("mode") == "now")
