"""Stop an attempt: by asking its supervisor or its runner, or, when they are lost, by hand."""

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Literal

from tunewright.runners import contract
from tunewright.runners.supervision import environment, lock, record
from tunewright.runners.supervision.group import Group
from tunewright.runners.supervision.processes import ProcessIdentity, carriers, kill_until_gone

_KILL_SECONDS = 10.0


def request_cancel(bundle: Path, mode: Literal["graceful", "now"], reason: str) -> None:
    """Ask for cancellation. May be repeated: `now` shortens a graceful one, nothing lengthens it."""
    if mode == "graceful" and _requested_mode(bundle) is not None:
        return
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    contract.write_durably(bundle / contract.CANCEL, {"mode": mode, "reason": reason})


def request_pause(bundle: Path, reason: str) -> None:
    """Ask for a pause at the next safe point. A runner that can't pause goes on to its end."""
    if not (bundle / contract.PAUSE).exists():
        contract.write_durably(bundle / contract.PAUSE, {"reason": reason})


def kill_leftovers(bundle: Path, group: Path | None = None) -> frozenset[int]:
    """Kill what a lost attempt left behind and return the pids that resist; do nothing while a supervisor lives.

    The recorded group only after pid, start and boot have been compared: a reused pid is never signalled. Then
    everything that carries the attempt's mark, whatever group or session it moved to: also a supervisor whose bundle
    was removed, and with it the lock that would show that it lives. Then everything in its control group: the caller
    names that, since a runner may have changed what its bundle says.
    """
    if lock.held(bundle):
        return frozenset()
    _, runner = record.read_processes(bundle)
    if runner is not None:
        _kill_group(runner)
    entries = environment.as_entries(environment.mark_of(str(bundle)))
    enclosed = None if group is None else Group(group)
    if enclosed is not None:
        enclosed.kill()
    _, resisting = kill_until_gone(
        lambda: {*carriers(entries), *(() if enclosed is None else enclosed.pids())}, _KILL_SECONDS
    )
    if enclosed is not None:
        enclosed.remove()
    return frozenset(resisting)


def _kill_group(leader: ProcessIdentity) -> None:
    if leader.alive():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, signal.SIGKILL)


def _requested_mode(bundle: Path) -> str | None:
    try:
        value = json.loads((bundle / contract.CANCEL).read_bytes())
    except (OSError, ValueError):
        return None
    return str(value.get("mode")) if isinstance(value, dict) else None
