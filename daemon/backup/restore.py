"""Put a backup into a home. What went on when it was made rests there: nothing starts before somebody lets it go on."""

import os
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.daemon.backup.manifest import BackupError
from tunewright.daemon.backup.verify import verify
from tunewright.daemon.clock import Milliseconds, system_clock
from tunewright.daemon.engine.states import Failure, Halt, Pause, RunRecord, StepEvent, StepState, Stopped
from tunewright.daemon.engine.transitions import active, run_transition
from tunewright.daemon.home import Home
from tunewright.daemon.store import alerts, attempts, deployments, leases, runs, schema

_REASON = "RESTORED"
_GOING_ON = Failure(
    reason=_REASON,
    message="it went on when the backup was made that was put back here",
    help="see that it does not go on elsewhere, then `tunewright resume`: the step goes on from its last checkpoint",
)
_SERVED = Failure(
    reason=_REASON,
    message="it answered when the backup was made that was put back here",
    help="run the spec again: only the service is started",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back: runs that rest now, deployments that have ended, artifacts that the backup did not have."""

    runs: int
    resting: tuple[str, ...]
    ended_deployments: tuple[str, ...]
    absent: tuple[str, ...]


def restore(backup: Path, home: Home) -> Restored:
    """Put a backup into a home that has no store; raise BackupError or HomeTakenError.

    The store comes last: a restore that is cut short leaves a home without one, and is done again.
    """
    manifest = verify(backup)
    home.create()
    owned = home.take()
    try:
        if home.database.exists():
            raise BackupError(
                f"{home.root} has a store already: move {home.database.name}* away, or name another home with --home"
            )
        copy = home.database.with_name(f"{home.database.name}.restored")
        for name in manifest.files:
            if name != home.database.name:
                _copy(backup / name, home.root / name)
        for digest in manifest.artifacts:
            _copy_artifact(Home(backup).artifact(digest), home.artifact(digest))
        _copy(backup / home.database.name, copy)
        settled = _settle(copy, manifest.absent)
        os.sync()
        copy.rename(home.database)
        return settled
    finally:
        os.close(owned)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _copy_artifact(source: Path, target: Path) -> None:
    if target.exists():
        return  # by the same digest, so it is the same
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(source, partial, symlinks=True)
    partial.rename(target)


def _settle(path: Path, absent: tuple[str, ...]) -> Restored:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        schema.migrate(connection)
        now = system_clock().now()
        connection.execute("BEGIN IMMEDIATE")
        # Sequences that somebody has seen of the old store may be given again, so cursors must not fit this one.
        connection.execute("UPDATE store SET id = ?", (secrets.token_hex(8),))
        # They were sent, or will be, by the daemon that the backup is of.
        alerts.put_to_rest(connection, "the store was restored from a backup", now)
        going_on = runs.active_ids(connection)
        for identifier in going_on:
            _rest(connection, identifier, now)
        live = deployments.alive(connection)
        for deployment in live:
            deployments.end(connection, replace(deployment), _SERVED, now)
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        connection.execute("COMMIT")
    names = tuple(deployment.name for deployment in live)
    return Restored(runs=count, resting=tuple(going_on), ended_deployments=names, absent=absent)


def _rest(connection: sqlite3.Connection, identifier: str, now: Milliseconds) -> None:
    run = _read(connection, identifier)
    run = _apply(connection, run, None, Pause(by="restore", reason=_GOING_ON.message), now)
    for step in active(run):
        stops = step.state is StepState.CANCELLING
        run = _apply(connection, run, step.name, Stopped() if stops else Halt(failure=_GOING_ON), now)
        attempts.end(connection, identifier, step.name, step.attempt, _REASON, now)
        leases.release(connection, identifier, step.name, now)


def _apply(
    connection: sqlite3.Connection, run: RunRecord, step: str | None, event: StepEvent, now: Milliseconds
) -> RunRecord:
    after, entries = run_transition(run, step, event, now)
    if after != run or entries:
        runs.save(connection, run, after, entries, now)
    return _read(connection, run.id)


def _read(connection: sqlite3.Connection, identifier: str) -> RunRecord:
    run = runs.get(connection, identifier)
    if run is None:
        raise LookupError(identifier)
    return run
