"""Bring every run forward: load, act outside of transactions, store guarded by the run's version. Nothing is decided
from memory.

One task a run that has not ended. A task looks when it is woken, when a pause ends, and, while an attempt lives, every
tenth of a second.
"""

import asyncio
import contextvars
import logging
import sqlite3
from collections.abc import Callable, Iterable

from tunewright.compiler.ir.plan import PlanError, Step
from tunewright.daemon.engine import gates
from tunewright.daemon.engine.attempts import AttemptKeeper
from tunewright.daemon.engine.deployments import DeploymentKeeper
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.maintenance import MaintenanceKeeper
from tunewright.daemon.engine.preempting import pauses
from tunewright.daemon.engine.results import Results
from tunewright.daemon.engine.schedule import turn
from tunewright.daemon.engine.states import (
    MAINTENANCE,
    RUN_ENDED,
    STEP_ACTIVE,
    Begin,
    Entry,
    Fail,
    Failure,
    Preempt,
    RunRecord,
    RunState,
    StepRecord,
)
from tunewright.daemon.engine.stored_plan import StoredPlan
from tunewright.daemon.engine.transitions import active
from tunewright.daemon.home import Home
from tunewright.daemon.log.context import work_for, working_for
from tunewright.daemon.queue.queue import Queue
from tunewright.daemon.store import artifacts, attempts, deployments, events, leases, ports, queue, runs
from tunewright.daemon.store.database import StaleError, StorageBusyError, StorageFullError
from tunewright.daemon.store.leases import TakenError

_log = logging.getLogger(__name__)

#: Runs for which there is nothing to do until somebody asks.
_AT_REST = RUN_ENDED | {RunState.PAUSED}
LOOK_SECONDS = 0.1
_AT_ONCE = 20
AFTER_TROUBLE_SECONDS = 1.0
#: Shares fade while nothing happens: what waits is looked at again now and then.
WAITING_SECONDS = 30.0


class _NoPlaceError(Exception):
    """Another service of the name has just begun, or nothing begins at the moment."""


class _PortTakenError(Exception):
    """Another service of ours has the port."""


class Reconciler:
    """Owns the tasks of runs that go on. `queue` says whose turn it is; `freed` is called when leases have ended."""

    def __init__(
        self,
        ledger: Ledger,
        home: Home,
        keeper: AttemptKeeper,
        deployments: DeploymentKeeper,
        maintenance: MaintenanceKeeper,
        queue: Queue,
        freed: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._home = home
        self._keeper = keeper
        self._deployments = deployments
        self._maintenance = maintenance
        self._queue = queue
        self._freed = freed
        queue.able = self.brings_forward
        self._in_use = keeper.in_use
        self._results = Results(ledger.database.read, home)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, asyncio.Event] = {}
        self._told: dict[str, set[tuple[str, int]]] = {}
        self._left_to_take_up: dict[str, None] = {}
        self._taking_up: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def active_runs(self) -> int:
        """How many runs go on: those that rest or have ended keep nobody waiting."""
        return len(self._tasks) + len(self._left_to_take_up)

    def brings_forward(self, run: str) -> bool:
        """Answer whether somebody looks after a run: nobody does where its plan can't be read."""
        return run in self._tasks or run in self._left_to_take_up

    def start(self) -> None:
        """Take up every run that has not ended, the oldest first."""
        self._left_to_take_up = dict.fromkeys(reversed(runs.active_ids(self._ledger.database.read)))
        self._taking_up = asyncio.create_task(self._take_up(), name="taking up runs", context=contextvars.Context())

    async def _take_up(self) -> None:
        """A few at a time, so that nobody who calls waits for a thousand first looks."""
        while self._left_to_take_up:
            for _ in range(min(_AT_ONCE, len(self._left_to_take_up))):
                run, _ = self._left_to_take_up.popitem()
                self._attend_to(run)  # that changes nothing for the queue, which knows of it
            await asyncio.sleep(0)

    def wake(self, run: str) -> None:
        """Look at a run soon."""
        self._queue.look_again()
        self._attend_to(run)

    def _attend_to(self, run: str) -> None:
        if run not in self._tasks:
            self._bells[run] = asyncio.Event()
            # What it does from now on is the daemon's doing, not that of the call that woke it.
            context = contextvars.Context()
            task = asyncio.create_task(self._bring_forward(run), name=f"run-{run}", context=context)
            self._tasks[run] = task
        self._bells[run].set()

    def wake_all(self) -> None:
        """Look at every run soon: a name has become free, or nobody knows what has changed."""
        self._queue.look_again()
        for bell in self._bells.values():
            bell.set()

    def released(self) -> None:
        """A service has ended: what it had, and its name, are somebody else's."""
        self._freed()
        self.wake_all()

    def wake_next(self) -> None:
        """Look soon at the runs whose turn has come: something has become free, or somebody has left the queue."""
        self._queue.look_again()
        for run, _ in self._queue.outlook().granted:
            if run in self._bells:
                self._bells[run].set()

    async def stop(self) -> None:
        """Stop looking; runners go on."""
        self._stopping = True
        tasks = [self._taking_up, *self._tasks.values()] if self._taking_up else list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring_forward(self, run_id: str) -> None:
        bell = self._bells[run_id]
        try:
            plan = StoredPlan(self._ledger.database.read, run_id)
            while (run := self._ledger.get(run_id)) is not None and run.state not in _AT_REST:
                work_for(run=run_id, project=run.project)
                bell.clear()
                pause = await self._look(run, plan)
                if pause is None or pause > LOOK_SECONDS:
                    plan.forget()
                try:
                    await asyncio.wait_for(bell.wait(), pause)
                except TimeoutError:
                    continue
        except PlanError:
            _log.exception("the stored plan of run %s can't be read; the run is left as it is", run_id)
        finally:
            del self._tasks[run_id], self._bells[run_id]
            self._told.pop(run_id, None)
            if not self._stopping:
                self.wake_next()

    async def _look(self, run: RunRecord, plan: StoredPlan) -> float | None:
        """Do what can be done now; return in how many seconds to look again (None: when woken)."""
        try:
            return await self._advance(run, plan)
        except PlanError:
            raise
        except StaleError:
            return 0.0
        except (StorageFullError, StorageBusyError) as error:
            _log.warning("run %s waits: %s", run.id, error)
        except Exception:
            _log.exception("run %s could not be brought forward; trying again", run.id)
        return AFTER_TROUBLE_SECONDS

    async def _advance(self, run: RunRecord, plan: StoredPlan) -> float | None:
        for step in active(run):
            live_before = _live(run)
            with working_for(step=step.name, attempt=step.attempt):
                run = await self._preempt(run, step)
                run = await self._keeper.tend(run, run.step(step.name), plan.read())
            if _live(run) != live_before:
                self._deployments.wake()
                self._freed()
                self.wake_all() if step.service else self.wake_next()
        now = self._ledger.clock.now()
        # One look at the clock for both questions: a pause that ended between two of them would be waited for for ever.
        found = turn(run, now)
        begun = await self._begin_steps(run, plan, found.ready)
        if begun != run:
            self.wake_next()
            return 0.0
        if run.state in _AT_REST:
            return 0.0
        if active(run):
            return LOOK_SECONDS
        pauses = () if found.next_look is None else (max(0.0, (found.next_look - now) / 1000),)
        return min((*pauses, *([WAITING_SECONDS] if found.ready else ())), default=None)

    async def _preempt(self, run: RunRecord, step: StepRecord) -> RunRecord:
        """Ask a step to stop at its next checkpoint where a run of a higher priority needs what it has, or maintenance
        wants that.
        """
        if step.preempted_for is not None:
            return run
        if pauses(step) and self._maintenance.asks_to_stop():
            return await self._ledger.apply(run, step.name, Preempt(by_run=MAINTENANCE))
        urgent = self._queue.asked_to_leave(run.id, step.name)
        if urgent is None:
            return run
        self._queue.look_again()
        # Who looks after this run may not even know of the other one's project.
        by_run = urgent.run if urgent.project == run.project else ""
        return await self._ledger.apply(run, step.name, Preempt(by_run=by_run))

    async def _begin_steps(self, run: RunRecord, plan: StoredPlan, ready: Iterable[StepRecord]) -> RunRecord:
        """Take results that are at hand, decide gates, begin what has its turn and a slot."""
        for record in ready:
            result = self._results.find(record, run.project) if not record.attempt else None
            if result is not None:
                with self._in_use.hold(result.artifact):
                    run = await self._ledger.apply(run, record.name, result)
            elif record.verb == "gate":
                run = await self._decide(run, plan.step(record.name))
            elif self._maintenance.current() is not None:
                await self._tell_waiting(run, record)
            elif not record.service or await self._deployments.make_room(run, plan.step(record.name)):
                run = await self._begin(run, record, plan)
        return run

    async def _tell_waiting(self, run: RunRecord, step: StepRecord) -> None:
        """Log once why a step has to wait; how it goes on from there is asked for, not logged."""
        told, key = self._told.setdefault(run.id, set()), (step.name, step.attempt)
        reason = self._queue.outlook().reason(run.id, step.name, frozenset({run.project}))
        if key in told or reason is None:
            return
        told.add(key)
        body = {"reason": reason.reason, "message": reason.message, "position": reason.position}
        entry, now = (
            Entry(kind="step_waiting", step=step.name, attempt=step.attempt, body=body),
            self._ledger.clock.now(),
        )

        def write(connection: sqlite3.Connection) -> None:
            if queue.is_untold(connection, run.id, step.name, step.attempt):
                events.append(connection, run.id, entry, now)

        await self._ledger.database.write(write)

    async def _decide(self, run: RunRecord, step: Step) -> RunRecord:
        if step.gate is None:
            raise LookupError(f"step {step.name} is no gate")
        found = {name: run.step(name).artifact for name in step.needs}
        folders = {name: self._home.artifact(digest) for name, digest in found.items() if digest is not None}
        metrics = await asyncio.to_thread(gates.read_metrics, folders)
        event = gates.decide(step.gate, metrics)
        verdict, now = event.verdict, self._ledger.clock.now()
        _log.info("gate %s of run %s: %s", step.name, run.id, "passed" if verdict and verdict.passed else "not passed")

        def also(connection: sqlite3.Connection, _: RunRecord) -> None:
            if verdict is not None:
                artifacts.insert_verdict(connection, run, step.name, verdict, now)

        return await self._ledger.apply(run, step.name, event, also)

    async def _begin(self, run: RunRecord, step: StepRecord, plan: StoredPlan) -> RunRecord:
        units = self._queue.granted(run.id, step.name)
        if units is None:
            await self._tell_waiting(run, step)
            return run
        planned, now = plan.step(step.name), self._ledger.clock.now()

        def also(connection: sqlite3.Connection, after: RunRecord) -> None:
            # Looked at again where nobody can come between: two runs may have seen the same free place.
            if self._maintenance.current(connection) is not None:
                raise _NoPlaceError
            if step.service:
                if deployments.taken(connection, run, step.name):
                    raise _NoPlaceError
                _lease_port(connection, run, planned)
            attempt = after.step(step.name).attempt
            attempts.insert(connection, run.id, step.name, attempt, now)
            leases.take(connection, run.id, step.name, attempt, run.project, units, now)

        try:
            after = await self._ledger.apply(run, step.name, Begin(), also)
        except (_NoPlaceError, TakenError):
            self._queue.look_again()
            return run
        except _PortTakenError as error:
            failure = Failure(reason="PORT_IN_USE", message=str(error), help="stop that service, or set another `port`")
            return await self._ledger.apply(run, step.name, Fail(failure=failure))
        self._keeper.begun(run.id, step.name, after.step(step.name).attempt)
        return after


def _lease_port(connection: sqlite3.Connection, run: RunRecord, step: Step) -> None:
    port = step.parameters.get("port")
    if not isinstance(port, int) or not port:  # 0: the system gives one that nobody has
        return
    holder = ports.lease(connection, run.id, step.name, port)
    if holder is not None:
        raise _PortTakenError(f"port {port} belongs to step `{holder[1]}` of run {holder[0]}")


def _live(run: RunRecord) -> int:
    return sum(step.state in STEP_ACTIVE for step in run.steps)
