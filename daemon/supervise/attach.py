"""How an attempt stands, told from its bundle alone: the same answer before and after a restart of the daemon."""

import json
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.supervise.launch import reap
from tunewright.runners import contract
from tunewright.runners.supervision import lock, record
from tunewright.runners.supervision.plain_files import read_plain
from tunewright.runners.supervision.record import ExitRecord


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Nothing of the work was ever started: launching is safe."""


@dataclass(frozen=True, slots=True)
class Running:
    """The supervisor lives; `pids` are its own and the runner's as far as they are recorded; `claimed`: it has taken
    the attempt's one start, so the work may have begun.
    """

    pids: tuple[int, ...]
    claimed: bool


@dataclass(frozen=True, slots=True)
class Exited:
    """The attempt is over and everything it started is dead."""

    exit: ExitRecord


@dataclass(frozen=True, slots=True)
class Lost:
    """The runner may have been started and nobody watches it: call `kill_leftovers`, then decide about a retry."""


BundleState = NotStarted | Running | Exited | Lost


def probe(bundle: Path) -> BundleState:
    """Tell how the attempt stands. The order (lock, exit, claim) leaves no race with a supervisor that ends."""
    reap()
    if lock.held(bundle):
        pids = tuple(process.pid for process in record.read_processes(bundle) if process is not None)
        return Running(pids, (bundle / contract.CLAIM).exists())
    try:
        return Exited(ExitRecord.from_json(json.loads(read_plain(bundle / contract.EXIT))))
    except FileNotFoundError:
        return Lost() if (bundle / contract.CLAIM).exists() else NotStarted()
    except ValueError:  # no exit record, or no file
        return Lost()
