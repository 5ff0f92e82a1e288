"""Look after one live attempt: start it, follow it, stop it, and draw the conclusion when it is over.

Level-based: everything is decided from the store and the bundle, so it may be called at any time, after any crash.
"""

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from tunewright.compiler.ir.plan import Plan, Supervision
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine import artifacts as artifact_folders
from tunewright.daemon.engine import journal
from tunewright.daemon.engine.artifacts import ArtifactError
from tunewright.daemon.engine.in_use import InUse
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.points import PointStore
from tunewright.daemon.engine.preempting import why_leave
from tunewright.daemon.engine.states import (
    STEP_DONE,
    Entry,
    Fail,
    Failure,
    Halt,
    Ready,
    RunRecord,
    RunState,
    StepEvent,
    StepRecord,
    StepState,
    Stopped,
    Succeed,
    Up,
)
from tunewright.daemon.engine.step_files import InputError, Sources, step_file
from tunewright.daemon.home import Home
from tunewright.daemon.queue.machine import Machine
from tunewright.daemon.queue.visibility import visible_devices
from tunewright.daemon.store import artifacts, attempts, deployments, events, leases
from tunewright.daemon.store.artifacts import ArtifactRecord
from tunewright.daemon.store.attempts import Attempt, Progress
from tunewright.daemon.supervise import (
    Exited,
    ExitRecord,
    Lost,
    NotStarted,
    Running,
    SealedOutputs,
    answers,
    carry_work,
    is_foreign,
    kill_leftovers,
    launch,
    probe,
    read_events,
    request_cancel,
    request_pause,
    withhold,
)
from tunewright.runners.contract import OUTPUTS, ExitCode, StepFile
from tunewright.runners.supervision.spawn import SUPERVISOR_LOG

_log = logging.getLogger(__name__)

MAX_LAUNCHES = 3
_KILLED = "the attempt's supervisor is gone and left no result (killed, or the machine restarted)"
_REMOVED = "the attempt's folder was removed while it ran; what was left of it has been stopped"
_SPACE_HELP = "look at the disk (free space, permissions), then retry the run: finished steps are kept"
_PAGE = 500
_QUESTION_SECONDS = 1.0
#: What the daemon itself has too little of: the attempt is not to blame, and its start is tried until there is more.
_OWN_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
#: Ways to end that another attempt may not meet again, beside the exit code that says so.
_TEMPORARY_REASONS = frozenset({"KILLED", "STALLED"})
_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class AttemptKeeper:
    """Tends attempts. What it remembers only saves work: a new one comes to the same conclusions."""

    ledger: Ledger
    sources: Sources
    points: PointStore
    machine: Callable[[], Machine] = Machine
    in_use: InUse = field(default_factory=InUse)
    _fresh: set[_Key] = field(default_factory=set)
    _cancels: dict[_Key, str] = field(default_factory=dict)
    _questions: dict[_Key, float] = field(default_factory=dict)
    _warned: set[_Key] = field(default_factory=set)

    @property
    def home(self) -> Home:
        """Where everything lies."""
        return self.sources.home

    def begun(self, run: str, step: str, attempt: int) -> None:
        """Remember that an attempt has just been stored: nothing of it can be left over from an earlier start."""
        self._fresh.add((run, step, attempt))

    async def tend(self, run: RunRecord, step: StepRecord, plan: Plan) -> RunRecord:
        """Return the run after one look at the live attempt of one of its steps."""
        attempt = attempts.get(self.ledger.database.read, run.id, step.name, step.attempt)
        if attempt is None:
            raise LookupError(f"attempt {run.id}/{step.name}/{step.attempt} is not in the store")
        bundle = self.home.bundle(run.id, step.name, step.attempt)
        match await asyncio.to_thread(probe, bundle):
            case NotStarted() if step.state is StepState.RUNNING:
                return await self._clean_up(run, step, attempt, bundle, _REMOVED)
            case NotStarted():
                return await self._start(run, step, plan, bundle)
            case Running(claimed=claimed):
                if claimed and step.state is StepState.STARTING:
                    run = await self.ledger.apply(run, step.name, Up())
                return await self._follow(run, run.step(step.name), attempt, bundle, plan.step(step.name).supervision)
            case Exited(exit=record):
                attempt = await self._read_events(attempt, step, bundle)
                return await self._conclude(run, step, attempt, record, bundle)
            case Lost():
                return await self._clean_up(run, step, attempt, bundle, _KILLED)

    async def _start(self, run: RunRecord, step: StepRecord, plan: Plan, bundle: Path) -> RunRecord:
        key = (run.id, step.name, step.attempt)
        fresh = key in self._fresh
        self._fresh.discard(key)
        if not fresh and (resisting := await asyncio.to_thread(kill_leftovers, bundle, self._group(key))):
            # The bundle says that nothing was started, but somebody may have removed what it said before.
            return await self._end(run, step, Fail(failure=_unkillable(resisting)), "UNKILLABLE")
        if step.state is StepState.CANCELLING:
            # The claim is ours now: no supervisor, however late, starts the runner.
            await asyncio.to_thread(withhold, bundle)
            return await self._end(run, step, Stopped(), "CANCELLED")
        if not fresh and await self.ledger.database.write(partial(_count_launch, key)) > MAX_LAUNCHES:
            await asyncio.to_thread(withhold, bundle)
            return await self._end(run, step, Fail(failure=_launch_failure(bundle), temporary=True), "LAUNCH_FAILED")
        try:
            leased = visible_devices(leases.of_step(self.ledger.database.read, *key[:2]), self.machine())
            content, remarks = await asyncio.to_thread(
                step_file, plan.step(step.name), run, step.attempt, self.sources, leased
            )
            if remarks:
                await self.ledger.database.write(partial(_remark, run.id, remarks, self.ledger.clock.now()))
            previous = self._previous_bundle(run, step)
            await asyncio.to_thread(_launch, bundle, content, previous)
        except InputError as error:
            await asyncio.to_thread(withhold, bundle)
            failure = Failure(reason=error.reason, message=str(error), help=error.help)
            return await self._end(run, step, Fail(failure=failure, temporary=error.temporary), failure.reason)
        except OSError as error:
            if _full(error):
                failure = Failure(reason="DISK_FULL", message=f"the step can't be started: {error}", help=_SPACE_HELP)
                return await self._end(run, step, Fail(failure=failure), failure.reason)
            if error.errno in _OWN_SHORTAGES:
                self._fresh.add(key)
                raise
            _log.warning("attempt %s/%s/%s does not start: %s", *key, error)
        return run

    def _group(self, key: _Key) -> Path | None:
        return self.sources.groups.folder(*key)

    def _previous_bundle(self, run: RunRecord, step: StepRecord) -> Path | None:
        """Return the bundle whose work/ this attempt goes on with: the attempt before, or the run's that is retried."""
        if step.attempt > 1:
            return self.home.bundle(run.id, step.name, step.attempt - 1)
        earlier = run
        while earlier.retry_of is not None:
            found = self.ledger.get(earlier.retry_of)
            if found is None:
                return None
            earlier, old = found, found.step(step.name)
            if old.attempt and old.state not in STEP_DONE:
                return self.home.bundle(earlier.id, step.name, old.attempt)
        return None

    async def _follow(
        self, run: RunRecord, step: StepRecord, attempt: Attempt, bundle: Path, supervision: Supervision | None
    ) -> RunRecord:
        key = (run.id, step.name, step.attempt)
        if step.state is StepState.CANCELLING and self._cancels.get(key) != run.cancel_mode:
            mode: Literal["graceful", "now"] = "now" if run.cancel_mode == "now" else "graceful"
            await asyncio.to_thread(request_cancel, bundle, mode, run.cancel_reason or "the run was cancelled")
            self._cancels[key] = run.cancel_mode or mode
        elif run.state is RunState.PAUSING and not step.service:
            await asyncio.to_thread(request_pause, bundle, run.failure.message if run.failure else "")
        elif step.preempted_for is not None:
            await asyncio.to_thread(request_pause, bundle, why_leave(step))
        attempt = await self._read_events(attempt, step, bundle)
        if step.service and step.state is StepState.RUNNING:
            address = attempt.address or await self._answering(key, bundle, supervision)
            if address is not None:
                return await self._deployed(run, step, address)
        return run

    async def _answering(self, key: _Key, bundle: Path, supervision: Supervision | None) -> str | None:
        """Ask a service that does not say itself when it is ready, once a second."""
        now = asyncio.get_running_loop().time()
        if supervision is None or supervision.address is None or now < self._questions.get(key, 0.0):
            return None
        self._questions[key] = now + _QUESTION_SECONDS
        address, path = supervision.address, supervision.health_path
        well = await asyncio.to_thread(answers, bundle, address, path, supervision.timeout_seconds)
        if not well and key not in self._warned and await asyncio.to_thread(is_foreign, bundle, address):
            self._warned.add(key)
            await self._warn(key, f"another program listens at {address}: the service can't become ready there")
        return address if well else None

    async def _warn(self, key: _Key, message: str) -> None:
        (run, step, attempt), now = key, self.ledger.clock.now()
        entry = Entry(kind="warning", step=step, attempt=attempt, body={"message": message})
        await self.ledger.database.write(lambda connection: events.append(connection, run, entry, now))

    async def _deployed(self, run: RunRecord, step: StepRecord, address: str) -> RunRecord:
        now = self.ledger.clock.now()

        def also(connection: sqlite3.Connection, _: RunRecord) -> None:
            deployments.insert(connection, run, step.name, step.attempt, address, now)

        return await self.ledger.apply(run, step.name, Ready(address=address), also)

    async def _read_events(self, attempt: Attempt, step: StepRecord, bundle: Path) -> Attempt:
        """Bring the log up to what the runner has written; return the attempt as it is stored then."""
        database = self.ledger.database
        while True:
            read = await asyncio.to_thread(self._read_on, attempt, step, bundle, self.ledger.clock.now())
            if read is None:
                return attempt
            await database.write(partial(_advance, attempt, read))
            stored = attempts.get(database.read, attempt.run, attempt.step, attempt.number)
            if stored is None:
                raise LookupError(f"attempt {attempt.run}/{attempt.step}/{attempt.number} is not in the store")
            attempt = stored

    def _read_on(self, attempt: Attempt, step: StepRecord, bundle: Path, now: Milliseconds) -> Progress | None:
        """Return what to store of the runner's next events, None when there are none; runs in a thread."""
        found, offset = read_events(bundle, attempt.events_offset, _PAGE, after_sequence=attempt.events_sequence)
        if offset == attempt.events_offset:
            return None
        self.points.catch_up(attempt.run, attempt.step, attempt.number, bundle)
        return journal.progress(attempt, step, found, offset, now)

    async def _conclude(
        self, run: RunRecord, step: StepRecord, attempt: Attempt, record: ExitRecord, bundle: Path
    ) -> RunRecord:
        if record.code == ExitCode.OK and record.outputs is not None and not step.service:
            with self.in_use.hold(record.outputs.digest):
                return await self._succeed(run, step, attempt, record, record.outputs, bundle)
        if step.state is StepState.CANCELLING:
            return await self._end(run, step, Stopped(), record.reason)
        failure = Failure(reason=record.reason, message=record.message, help=record.help)
        if record.code == ExitCode.PAUSED:
            return await self._end(run, step, Halt(failure=failure), record.reason)
        temporary = record.code == ExitCode.TEMPORARY or record.reason in _TEMPORARY_REASONS
        return await self._end(run, step, Fail(failure=failure, temporary=temporary), record.reason)

    async def _succeed(
        self,
        run: RunRecord,
        step: StepRecord,
        attempt: Attempt,
        record: ExitRecord,
        sealed: SealedOutputs,
        bundle: Path,
    ) -> RunRecord:
        try:
            await asyncio.to_thread(artifact_folders.adopt, bundle, sealed, self.home)
        except ArtifactError as error:
            failure = Failure(
                reason="INTEGRITY", message=str(error), help="run again; look at the disk if it comes back"
            )
            return await self._end(run, step, Fail(failure=failure), failure.reason)
        except OSError as error:
            message = f"the outputs can't be stored: {error}; they are still in {bundle / OUTPUTS}"
            failure = Failure(reason="DISK_FULL" if _full(error) else "OS_ERROR", message=message, help=_SPACE_HELP)
            return await self._end(run, step, Fail(failure=failure), failure.reason)
        artifact = ArtifactRecord(
            digest=sealed.digest,
            step_digest=step.digest,
            role=attempt.role or step.verb,
            kind=step.kind,
            project=run.project,
            run=run.id,
            step=step.name,
            spec_name=run.spec_name,
            size_bytes=sealed.bytes,
            file_count=sealed.files,
            create_time=self.ledger.clock.now(),
        )
        facts = {"seconds": record.seconds, "bytes": sealed.bytes, "files": sealed.files}
        if record.peak_memory_bytes is not None:
            facts["peak_memory_bytes"] = record.peak_memory_bytes
        return await self._end(run, step, Succeed(artifact=sealed.digest, facts=facts), record.reason, artifact)

    async def _clean_up(
        self, run: RunRecord, step: StepRecord, attempt: Attempt, bundle: Path, because: str
    ) -> RunRecord:
        group = self._group((run.id, step.name, step.attempt))
        resisting = await asyncio.to_thread(kill_leftovers, bundle, group)
        await self._read_events(attempt, step, bundle)
        if resisting:
            return await self._end(run, step, Fail(failure=_unkillable(resisting)), "UNKILLABLE")
        if step.state is StepState.CANCELLING:
            return await self._end(run, step, Stopped(), "LOST")
        return await self._end(run, step, Fail(failure=Failure(reason="LOST", message=because), temporary=True), "LOST")

    async def _end(
        self,
        run: RunRecord,
        step: StepRecord,
        event: StepEvent,
        outcome: str,
        artifact: ArtifactRecord | None = None,
    ) -> RunRecord:
        now = self.ledger.clock.now()

        def also(connection: sqlite3.Connection, _: RunRecord) -> None:
            attempts.end(connection, run.id, step.name, step.attempt, outcome, now)
            leases.release(connection, run.id, step.name, now)
            if artifact is not None:
                artifacts.insert(connection, artifact)

        key = (run.id, step.name, step.attempt)
        # The supervisor has done it, if it lived: what an attempt was given is gone before its end is stored.
        await asyncio.to_thread(self.sources.delivery.clear, self.home.bundle(*key))
        self._cancels.pop(key, None)
        self._questions.pop(key, None)
        self._warned.discard(key)
        return await self.ledger.apply(run, step.name, event, also)


def _remark(run: str, remarks: Iterable[Entry], now: Milliseconds, connection: sqlite3.Connection) -> None:
    for entry in remarks:
        events.append(connection, run, entry, now)


def _count_launch(key: _Key, connection: sqlite3.Connection) -> int:
    return attempts.count_launch(connection, *key)


def _advance(attempt: Attempt, read: Progress, connection: sqlite3.Connection) -> None:
    attempts.advance(connection, attempt, read)


def _launch(bundle: Path, content: StepFile, previous: Path | None) -> None:
    if previous is not None:
        carry_work(previous, bundle)
    launch(bundle, content)


def _unkillable(pids: frozenset[int]) -> Failure:
    message = f"processes survive SIGKILL: {', '.join(map(str, sorted(pids)))}"
    return Failure(reason="UNKILLABLE", message=message, help="restart the machine")


def _full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _launch_failure(bundle: Path) -> Failure:
    try:
        words = (bundle / SUPERVISOR_LOG).read_text("utf-8", "replace").strip()[-500:]
    except OSError as error:
        words = str(error)
    return Failure(reason="LAUNCH_FAILED", message=f"the supervisor does not start: {words or 'it says nothing'}")
