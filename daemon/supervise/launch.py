"""Start an attempt: at most one supervisor at a time, at most one start of the runner ever."""

import os
import subprocess
import threading
from pathlib import Path

from tunewright.runners import contract
from tunewright.runners.supervision import lock, record, spawn

_children: "set[subprocess.Popen[bytes]]" = set()
_children_guard = threading.Lock()


def launch(bundle: Path, step: contract.StepFile) -> None:
    """Write the bundle and start its supervisor, which outlives us; do nothing where the attempt was started before.

    When this returns, `probe` answers Running, Exited or Lost, or NotStarted if the supervisor itself could not start
    (its last words are in supervisor.log): then launching again is safe. Raises OSError when the disk refuses.
    """
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = lock.take(bundle)
    if held is None:
        return
    try:
        if (bundle / contract.CLAIM).exists() or (bundle / contract.EXIT).exists():
            return
        spawn.prepare_bundle(bundle, step)
        child = spawn.spawn_supervisor(bundle, held)
        with _children_guard:
            _children.add(child)
    finally:
        os.close(held)


def withhold(bundle: Path) -> bool:
    """Take the claim ourselves so that no late supervisor starts the runner; False when it was started before.

    After success `probe` answers Lost, with nothing left over.
    """
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    return record.claim(bundle, "daemon")


def carry_work(previous: Path, bundle: Path) -> None:
    """Hand the work/ folder of a finished or lost attempt to the next one, which then resumes from its checkpoints."""
    work = previous / contract.WORK
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A runner may have put a link in its place: step files would be written wherever it leads.
    if work.is_dir() and not work.is_symlink() and not (bundle / contract.WORK).exists():
        work.rename(bundle / contract.WORK)


def reap() -> None:
    """Collect supervisors that ended, so that none stays a zombie while the daemon lives."""
    with _children_guard:
        _children.difference_update([child for child in _children if child.poll() is not None])
