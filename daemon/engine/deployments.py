"""Look after services that stay: notice when they end, stop them when asked, make room for a new revision."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tunewright.compiler.ir.plan import Step
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.states import DeploymentState, Failure, RunRecord
from tunewright.daemon.home import Home
from tunewright.daemon.store import deployments
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.supervise import (
    Exited,
    ExitRecord,
    Lost,
    NotStarted,
    Running,
    kill_leftovers,
    probe,
    request_cancel,
)

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


@dataclass(slots=True)
class DeploymentKeeper:
    """Watches every deployment that has not ended; `ended` is called after one has."""

    ledger: Ledger
    home: Home
    ended: Callable[[], None] = lambda: None
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: dict[int, str] = field(default_factory=dict)

    def wake(self) -> None:
        """Look soon."""
        self._bell.set()

    async def keep(self) -> None:
        """Watch until cancelled."""
        while True:
            self._bell.clear()
            alive = deployments.alive(self.ledger.database.read)
            for record in alive:
                try:
                    await self._look(record)
                except StaleError:
                    continue
                except Exception:
                    _log.exception("deployment %s could not be looked after; trying again", record.name)
            try:
                await asyncio.wait_for(self._bell.wait(), LOOK_SECONDS if alive else None)
            except TimeoutError:
                continue

    async def make_room(self, run: RunRecord, step: Step) -> bool:
        """Answer whether a new revision may begin; ask an older one to stop where it may not yet."""
        name = deployments.name_of(run.project, run.spec_name, step.name)
        newest = deployments.newest(self.ledger.database.read, name)
        if newest is None or newest.state not in (DeploymentState.LIVE, DeploymentState.STOPPING):
            return True
        if newest.state is DeploymentState.LIVE:
            await self.stop(newest, "graceful")
        return False

    async def stop(
        self,
        record: DeploymentRecord,
        mode: Literal["graceful", "now"],
        note: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """Note that a deployment is to stop, and see to it; `note` writes what must be true together with it."""
        now = self.ledger.clock.now()

        def write(connection: sqlite3.Connection) -> None:
            if note is not None:
                note(connection)
            deployments.stop(connection, record, mode, now)

        await self.ledger.database.write(write)
        self.wake()

    async def _look(self, record: DeploymentRecord) -> None:
        bundle = self.home.bundle(record.run, record.step, record.attempt)
        match await asyncio.to_thread(probe, bundle):
            case Running():
                if record.stop_mode is not None and self._asked.get(record.id) != record.stop_mode:
                    mode: Literal["graceful", "now"] = "now" if record.stop_mode == "now" else "graceful"
                    await asyncio.to_thread(request_cancel, bundle, mode, "the deployment was stopped")
                    self._asked[record.id] = record.stop_mode
            case Exited(exit=exit_record):
                await self._end(record, exit_record)
            case Lost() | NotStarted():
                await asyncio.to_thread(kill_leftovers, bundle)
                await self._end(record, None)

    async def _end(self, record: DeploymentRecord, exit_record: ExitRecord | None) -> None:
        now, failure = self.ledger.clock.now(), _failure(record, exit_record)
        await self.ledger.database.write(lambda connection: deployments.end(connection, record, failure, now))
        self._asked.pop(record.id, None)
        self.ended()


def _failure(record: DeploymentRecord, exit_record: ExitRecord | None) -> Failure | None:
    if record.state is DeploymentState.STOPPING:
        return None
    if exit_record is None:
        message = "the service's supervisor is gone (killed, or the machine restarted)"
        return Failure(reason="LOST", message=message, help="run the spec again: only the service is started")
    if exit_record.reason == "CANCELLED":
        return None
    return Failure(reason=exit_record.reason, message=exit_record.message, help=exit_record.help)
