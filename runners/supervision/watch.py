"""Stay with one process from its start to the death of everything it started."""

import contextlib
import os
import signal
import time

from tunewright.runners.supervision.child import Child
from tunewright.runners.supervision.group import Group
from tunewright.runners.supervision.processes import carriers, descendants, kill_until_gone, read_table
from tunewright.runners.supervision.pump import Pump
from tunewright.runners.supervision.stopping import StopRequest, StopRule
from tunewright.spec.record import record

_TICK_SECONDS = 0.1
_MEMORY_SECONDS = 2.0
#: How long SIGKILL may take. What survives it hangs in the kernel, and no device it holds is free.
KILL_SECONDS = 10.0


@record(kw_only=True)
class Ending:
    """How a process ended: `code` or `signal`, or neither when it could not be killed.

    `stop` is what we asked for, `forced` whether it took SIGKILL, `resisting` the pids that survived that.
    """

    code: int | None = None
    signal: int | None = None
    stop: StopRequest | None = None
    forced: bool = False
    resisting: frozenset[int] = frozenset()
    peak_memory_bytes: int = 0


class Watch:
    """The watch over one process and its descendants; `run` returns when all of them are dead."""

    def __init__(
        self,
        child: Child,
        pump: Pump,
        rule: StopRule,
        grace_seconds: float,
        marks: frozenset[bytes],
        group: Group | None = None,
    ) -> None:
        self._child, self._pump, self._rule = child, pump, rule
        self._grace, self._marks, self._group = grace_seconds, marks, group
        self._status: int | None = None
        self._stop: StopRequest | None = None
        self._kill_at: float | None = None
        self._forced = False
        self._peak = 0
        self._measured = time.monotonic()

    def run(self) -> Ending:
        """Move output, obey stop requests, and at the end kill and reap what the process left behind."""
        while self._status is None:
            self._pump.turn(_TICK_SECONDS)
            self._reap()
            now = time.monotonic()
            self._measure(now)
            if self._status is None and self._escalate(now):
                break
        if self._stop is None:  # a runner may see the cancel file, and obey, before we look
            self._stop = self._rule.asked()
        if self._group is not None:
            self._group.kill()
        _, resisting = kill_until_gone(self._leftovers, KILL_SECONDS)
        self._reap()
        self._pump.drain()
        return Ending(
            code=os.WEXITSTATUS(self._status) if self._status is not None and os.WIFEXITED(self._status) else None,
            signal=os.WTERMSIG(self._status) if self._status is not None and os.WIFSIGNALED(self._status) else None,
            stop=self._stop,
            forced=self._forced,
            resisting=frozenset(resisting),
            peak_memory_bytes=self._peak,
        )

    def _escalate(self, now: float) -> bool:
        """SIGTERM at the first request, SIGKILL when the grace is over; True when even that has not helped."""
        wanted = self._rule.check(now)
        if wanted is not None and (self._stop is None or (wanted.immediate and not self._stop.immediate)):
            if not wanted.immediate:
                self._signal_group(signal.SIGTERM)
            self._stop = wanted if self._stop is None else self._stop._replace(immediate=True)
            self._kill_at = now if wanted.immediate else now + self._grace
        if self._kill_at is None or now < self._kill_at:
            return False
        self._forced = True
        self._signal_group(signal.SIGKILL)
        return now > self._kill_at + KILL_SECONDS

    def _signal_group(self, number: signal.Signals) -> None:
        # The leader is not reaped yet, so the number of its group can't belong to anybody else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)

    def _leftovers(self) -> set[int]:
        self._reap()
        below = {row.pid for row in descendants(os.getpid(), read_table())}
        return below.union(carriers(self._marks), () if self._group is None else self._group.pids())

    def _reap(self) -> None:
        """Collect whatever ended below us: as subreaper we are also the parent of orphans."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._peak = max(self._peak, usage.ru_maxrss * 1024)
            if pid == self._child.pid:
                self._status = status

    def _measure(self, now: float) -> None:
        """Sample the whole tree: the kernel's own peak knows each process only for itself."""
        if now - self._measured >= _MEMORY_SECONDS:
            self._measured = now
            self._peak = max(self._peak, sum(row.resident_bytes for row in descendants(os.getpid(), read_table())))
