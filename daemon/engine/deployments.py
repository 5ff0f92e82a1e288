"""Look after services that stay: ask them whether they are well, start them again when they end, stop them when asked,
make room for a new revision.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunewright.compiler.ir.plan import Plan, Step, Supervision, plan_from_json
from tunewright.daemon.engine.attempts import MAX_LAUNCHES
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.liveness import Liveness
from tunewright.daemon.engine.restarts import Again, after_failure
from tunewright.daemon.engine.schedule import pause_over
from tunewright.daemon.engine.states import DeploymentState, Failure, RunRecord
from tunewright.daemon.engine.step_files import InputError, Sources, step_file
from tunewright.daemon.home import Home
from tunewright.daemon.log.context import working_for
from tunewright.daemon.queue.machine import Machine
from tunewright.daemon.queue.visibility import visible_devices
from tunewright.daemon.store import attempts, deployments, leases, runs
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.supervise import (
    Exited,
    ExitRecord,
    Lost,
    NotStarted,
    Running,
    answers,
    kill_leftovers,
    launch,
    probe,
    read_events,
    request_cancel,
    withhold,
)

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
UNANSWERED = "it did not answer any more"
_MAX_EVENTS = 10_000


class ServiceLaunchError(RuntimeError):
    """A service can't be started again."""

    reason, help = "LAUNCH_FAILED", "see supervisor.log in the attempt's folder"


@dataclass(slots=True)
class DeploymentKeeper:
    """Watches every deployment that has not ended; `ended` is called after one has."""

    ledger: Ledger
    sources: Sources
    machine: Callable[[], Machine] = Machine
    ended: Callable[[], None] = lambda: None
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: dict[tuple[int, int], str] = field(default_factory=dict)
    liveness: Liveness = field(default_factory=Liveness)
    _plans: dict[str, Plan] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        """Where everything lies."""
        return self.sources.home

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
                    with working_for(project=record.project, run=record.run, step=record.step, attempt=record.attempt):
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
        if newest is None or newest.state in (DeploymentState.STOPPED, DeploymentState.FAILED):
            return True
        if newest.state is not DeploymentState.STOPPING:
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
        if record.state is DeploymentState.RESTARTING and record.not_before is not None:
            if pause_over(record.not_before, self.ledger.clock.now()):
                await self._restart(record)
            return
        bundle = self.home.bundle(record.run, record.step, record.attempt)
        match await asyncio.to_thread(probe, bundle):
            case Running():
                await self._follow(record, bundle)
            case Exited(exit=exit_record):
                await self._end(record, exit_record)
            case NotStarted() if record.state is DeploymentState.RESTARTING:
                await self._launch(record)
            case Lost() | NotStarted():
                await asyncio.to_thread(kill_leftovers, bundle, self._group(record))
                await self._end(record, None)

    async def _follow(self, record: DeploymentRecord, bundle: Path) -> None:
        if record.stop_mode is not None:
            await self._ask_to_stop(record, bundle, record.stop_mode, "the deployment was stopped")
            return
        supervision = self._plan_step(record).supervision
        if record.state is DeploymentState.RESTARTING:
            address = await asyncio.to_thread(ready_address, bundle, supervision)
            if address is not None:
                now = self.ledger.clock.now()
                await self._write(lambda connection: deployments.live(connection, record, address, now))
        elif supervision is not None and self.liveness.is_dead(record, bundle, supervision):
            await self._ask_to_stop(record, bundle, "graceful", UNANSWERED)

    async def _ask_to_stop(self, record: DeploymentRecord, bundle: Path, mode: str, reason: str) -> None:
        key = (record.id, record.attempt)
        if self._asked.get(key) != mode:
            await asyncio.to_thread(request_cancel, bundle, "now" if mode == "now" else "graceful", reason)
            self._asked[key] = mode

    async def _restart(self, record: DeploymentRecord) -> None:
        """The attempt is stored before it is started, as every attempt is."""
        now = self.ledger.clock.now()
        again = await self.ledger.database.write(lambda connection: deployments.restart(connection, record, now))
        await self._launch(again)

    async def _launch(self, record: DeploymentRecord) -> None:
        key = (record.run, record.step, record.attempt)
        run = self.ledger.get(record.run)
        if run is None:
            raise LookupError(record.run)
        launches = await self.ledger.database.write(lambda connection: attempts.count_launch(connection, *key))
        bundle = self.home.bundle(*key)
        await asyncio.to_thread(kill_leftovers, bundle, self._group(record))
        try:
            if launches > MAX_LAUNCHES + 1:  # the first one is counted with the attempt
                raise ServiceLaunchError("its supervisor does not start")
            step = self._plan_step(record)
            leased = visible_devices(leases.of_step(self.ledger.database.read, *key[:2]), self.machine())
            # Secrets are asked for anew at every start: a new value is in use after a restart.
            content, _ = await asyncio.to_thread(step_file, step, run, record.attempt, self.sources, leased)
            await asyncio.to_thread(launch, bundle, content)
        except (InputError, ServiceLaunchError) as error:
            await asyncio.to_thread(withhold, bundle)
            await self._fail(record, Failure(reason=error.reason, message=str(error), help=error.help))

    async def _end(self, record: DeploymentRecord, exit_record: ExitRecord | None) -> None:
        await self._clear(record)
        failure = _failure(record, exit_record)
        if failure is not None:
            await self._fail(record, failure)
            return
        now = self.ledger.clock.now()
        await self._write(lambda connection: deployments.end(connection, record, None, now))
        self._forget(record)

    async def _clear(self, record: DeploymentRecord) -> None:
        bundle = self.home.bundle(record.run, record.step, record.attempt)
        await asyncio.to_thread(self.sources.delivery.clear, bundle)

    async def _fail(self, record: DeploymentRecord, failure: Failure) -> None:
        """Start it again later, or give it up."""
        now = self.ledger.clock.now()
        outcome = after_failure(record, self._plan_step(record).supervision, failure, now)

        def write(connection: sqlite3.Connection) -> None:
            attempts.end(connection, record.run, record.step, record.attempt, failure.reason, now)
            if isinstance(outcome, Again):
                deployments.restart_later(connection, record, failure, outcome.pause, now, restarts=outcome.restarts)
            else:
                deployments.end(connection, record, outcome, now)

        await self._write(write)
        self._forget(record)

    def _group(self, record: DeploymentRecord) -> Path | None:
        return self.sources.groups.folder(record.run, record.step, record.attempt)

    async def _write(self, operation: Callable[[sqlite3.Connection], None]) -> None:
        await self.ledger.database.write(operation)

    def _forget(self, record: DeploymentRecord) -> None:
        self._asked.pop((record.id, record.attempt), None)
        self.liveness.forget(record.id, record.attempt)
        self.ended()

    def _plan_step(self, record: DeploymentRecord) -> Step:
        if record.run not in self._plans:
            plan_json, _ = runs.texts(self.ledger.database.read, record.run)
            self._plans[record.run] = plan_from_json(json.loads(plan_json))
        return self._plans[record.run].step(record.step)


def ready_address(bundle: Path, supervision: Supervision | None) -> str | None:
    """Return where a service answers that has just been started, None while it does not."""
    if supervision is not None and supervision.address is not None:
        well = answers(bundle, supervision.address, supervision.health_path, supervision.timeout_seconds)
        return supervision.address if well else None
    found, _ = read_events(bundle, 0, _MAX_EVENTS)
    said = [str(event.fields.get("address", "")) for event in found if event.kind == "ready"]
    return said[-1] if said and said[-1] else None


def _failure(record: DeploymentRecord, exit_record: ExitRecord | None) -> Failure | None:
    if record.state is DeploymentState.STOPPING:
        return None
    if exit_record is None:
        message = "the service's supervisor is gone (killed, or the machine restarted)"
        return Failure(reason="LOST", message=message, help="run the spec again: only the service is started")
    if exit_record.reason == "CANCELLED" and exit_record.message.startswith(UNANSWERED):
        return Failure(reason="UNANSWERED", message=exit_record.message, help="see the step's log")
    if exit_record.reason == "CANCELLED":
        return None
    return Failure(reason=exit_record.reason, message=exit_record.message, help=exit_record.help)
