"""RunService: create, look at, stop, pause, resume, retry and follow runs."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunewright.compiler.ir.difference import StepAction
from tunewright.compiler.ir.plan import Plan, plan_from_json
from tunewright.daemon.access.calls import Call, current
from tunewright.daemon.access.roles import Permission
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.compile import Compiled, Compiler, compiled_beside
from tunewright.daemon.engine.admission import Admission, Order
from tunewright.daemon.engine.continuation import Change, Continuations
from tunewright.daemon.engine.ledger import Alteration, Ledger
from tunewright.daemon.engine.points import Point, PointStore
from tunewright.daemon.engine.states import (
    RUN_ENDED,
    Cancel,
    Pause,
    Prioritize,
    Resume,
    RunRecord,
    RunState,
    StepEvent,
)
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.queue.queue import Queue
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.mutations import Mutation, ReplayedError, check_request_id, mutation
from tunewright.daemon.services.pages import Page, page
from tunewright.daemon.services.run_logs import RunLogs
from tunewright.daemon.services.watch import follow
from tunewright.daemon.store import events, runs
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.runs import RunFilter
from tunewright.proto.v1 import run_pb2, run_service_pb2_grpc
from tunewright.proto.v1 import run_service_pb2 as wire
from tunewright.spec.canonical import canonical_json, digest_of
from tunewright.spec.codes import Severity

_TRIES = 20
_CANCEL_MODES: Mapping[int, str] = {
    wire.CANCEL_MODE_UNSPECIFIED: "graceful",
    wire.CANCEL_MODE_GRACEFUL: "graceful",
    wire.CANCEL_MODE_NOW: "now",
}
_STATES: Mapping[int, RunState] = {run_pb2.RunState.Value(f"RUN_STATE_{state.upper()}"): state for state in RunState}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunService(run_service_pb2_grpc.RunServiceServicer):
    """`wake` makes the reconciler look at a run, `wake_next` at those whose turn has come."""

    compiler: Compiler
    admission: Admission
    ledger: Ledger
    home: Home
    points: PointStore
    logs: RunLogs
    queue: Queue
    wake: Callable[[str], None]
    wake_next: Callable[[], None]

    async def CreateRun(self, request: wire.CreateRunRequest, context: Any) -> wire.CreateRunResponse:
        """Compile and store a run, once for each request id."""
        call = current()
        submitted = requests.submitted(request.source, call)
        priority = requests.priority(request.priority, call.highest_priority)
        preemptible = request.preemptible if request.HasField("preemptible") else True
        digest = digest_of(
            {
                "text": submitted.text,
                "path": submitted.path,
                "base_directory": str(submitted.base_directory),
                "profile": submitted.profile,
                "sets": submitted.sets,
                "variables": submitted.variables,
                "lock": submitted.lock.text if submitted.lock else None,
                "locked": submitted.locked,
                "expected_plan_digest": request.expected_plan_digest,
                # Left out where they are as ever: requests of clients that know nothing of them keep their digest.
                **({"priority": priority} if priority else {}),
                **({} if preemptible else {"preemptible": False}),
            }
        )
        earlier = self._of_request(call.project, request.request_id, digest)
        if earlier is not None:
            return self._created(earlier)
        compiled = await compiled_beside(self.compiler, submitted)
        plan = _plan_of(compiled, request.expected_plan_digest)
        await self.admission.check_executable(plan, call.project)
        actions = self.admission.compare(plan, call.project)
        order = Order(
            project=call.project,
            plan=plan,
            spec_text=submitted.text,
            spec_path=submitted.path,
            base_directory=str(submitted.base_directory),
            request_id=request.request_id,
            request_digest=digest,
            priority=priority,
            preemptible=preemptible,
        )
        run = self.admission.record(order, actions)
        if not request.validate_only:
            run = await self.admission.admit(order, run, call.limits)
            self.wake(run.id)
        return wire.CreateRunResponse(
            run=translate.run(run),
            diagnostics=[translate.diagnostic(item) for item in compiled.diagnostics],
            plan_json=canonical_json(plan.to_json()).decode("utf-8"),
            actions=[translate.action(item) for item in actions],
        )

    async def GetRun(self, request: wire.GetRunRequest, context: Any) -> wire.GetRunResponse:
        """Answer one run with its texts."""
        run = self._run(request.name)
        plan_json, spec_text = runs.texts(self._reader, run.id)
        return wire.GetRunResponse(run=self._told(run), plan_json=plan_json, spec_text=spec_text)

    async def ListRuns(self, request: wire.ListRunsRequest, context: Any) -> wire.ListRunsResponse:
        """Answer a page of runs."""
        asked = page(request, 50, 500)
        wanted = RunFilter(
            spec_name=request.spec_name,
            active_only=request.active_only,
            states=requests.choices(request.states, _STATES, "states"),
            create_after=_after(request),
            create_before=_before(request),
            projects=current().projects,
        )
        found = runs.page(self._reader, wanted, before=asked.position, limit=asked.size + 1)
        answer = wire.ListRunsResponse(runs=[self._told(run) for _, run in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1][0])
        return answer

    async def CancelRun(self, request: wire.CancelRunRequest, context: Any) -> wire.CancelRunResponse:
        """Store that a run is to stop."""
        mode = requests.choice(request.mode, _CANCEL_MODES, "mode")
        event = Cancel(mode=mode, reason=requests.note(request.reason, "reason"))
        return wire.CancelRunResponse(run=translate.run(await self._apply(request.name, event, mutation(request))))

    async def PauseRun(self, request: wire.PauseRunRequest, context: Any) -> wire.PauseRunResponse:
        """Store that a run is to pause."""
        by, reason = requests.note(request.by, "by"), requests.note(request.reason, "reason")
        event = Pause(by=current().signature(by), reason=reason)
        return wire.PauseRunResponse(run=translate.run(await self._apply(request.name, event, mutation(request))))

    async def ResumeRun(self, request: wire.ResumeRunRequest, context: Any) -> wire.ResumeRunResponse:
        """Let a paused run go on, or store a new one that goes on with a change."""
        old, asked = self._run(request.name), mutation(request)
        by = current().signature(requests.note(request.by, "by"))
        reason = requests.note(request.reason, "reason")
        digest = digest_of({"resume_of": old.id, "step": request.step, "sets": list(request.sets)})
        earlier = self._of_request(old.project, request.request_id, digest) if request.sets else None
        if earlier is not None:
            return wire.ResumeRunResponse(run=translate.run(earlier))
        asked.hold_to(str(old.version), request.name)
        if old.state is not RunState.PAUSED and not (request.sets and old.state in RUN_ENDED - {RunState.SUCCEEDED}):
            advice = "do it again with RetryRun" if old.state in RUN_ENDED else "pause it first and wait until it rests"
            raise RefusedError("RUN_NOT_PAUSED", f"run {old.id} is {old.state}: {advice}", run=old.id, state=old.state)
        if not request.sets:
            event = Resume(by=by, reason=reason)
            return wire.ResumeRunResponse(run=translate.run(await self._apply(request.name, event, asked)))
        change = Change(
            step=request.step,
            sets=tuple(request.sets),
            by=by,
            reason=reason,
            request_id=request.request_id,
            request_digest=digest,
        )
        order = await Continuations(self.compiler, self.ledger).order(old, change, current().folders)
        order = replace(order, **_as_urgent(old, current()))
        await self.admission.check_executable(order.plan, old.project)
        new = self.admission.record(order, self.admission.compare(order.plan, old.project))
        if request.validate_only:
            return wire.ResumeRunResponse(run=translate.run(new))

        ended: list[Alteration] = []

        def end(connection: sqlite3.Connection, stored: RunRecord) -> None:
            # Its work folder is the new run's from here on: nobody finds the one without the other.
            ending = self.ledger.change(old, None, Cancel(mode="graceful", reason=f"goes on as run {stored.id}"))
            ending.write(connection)
            ended.append(ending)

        try:
            run = await self.admission.admit(order, new, current().limits, end)
        except StaleError:
            message = f"{request.name} has changed while it was asked to go on: look again"
            raise RefusedError("ETAG_MISMATCH", message, etag=str(old.version), name=request.name) from None
        for ending in ended[-1:]:
            self.ledger.done(ending)
        self.wake(run.id)
        return wire.ResumeRunResponse(run=translate.run(run))

    async def RetryRun(self, request: wire.RetryRunRequest, context: Any) -> wire.RetryRunResponse:
        """Store a new run of the same plan."""
        old = self._run(request.name)
        if old.state not in RUN_ENDED:
            message = f"run {old.id} is still {old.state}; cancel it or wait for its end"
            if old.state is RunState.PAUSED:
                message = f"run {old.id} is paused; resume it, or cancel it first"
            raise RefusedError("RUN_NOT_FINISHED", message, run=old.id, state=old.state)
        digest = digest_of({"retry_of": old.id})
        earlier = self._of_request(old.project, request.request_id, digest)
        if earlier is not None:
            return wire.RetryRunResponse(run=translate.run(earlier))
        plan_json, spec_text = runs.texts(self._reader, old.id)
        plan = plan_from_json(json.loads(plan_json))
        await self.admission.check_executable(plan, old.project)
        order = Order(
            project=old.project,
            plan=plan,
            spec_text=spec_text,
            spec_path=old.spec_path,
            base_directory=old.base_directory,
            request_id=request.request_id,
            request_digest=digest,
            retry_of=old.id,
            **_as_urgent(old, current()),
        )
        run = self.admission.record(order, self.admission.compare(plan, old.project))
        if not request.validate_only:
            run = await self.admission.admit(order, run, current().limits)
            self.wake(run.id)
        return wire.RetryRunResponse(run=translate.run(run))

    async def SetRunPriority(self, request: wire.SetRunPriorityRequest, context: Any) -> wire.SetRunPriorityResponse:
        """Store how urgent a run is from now on."""
        call = current()
        priority = requests.priority(request.priority, call.highest_priority)
        event = Prioritize(priority=priority, by=call.signature(requests.note(request.by, "by")))
        run = await self._apply(request.name, event, mutation(request))
        self.wake_next()
        return wire.SetRunPriorityResponse(run=self._told(run))

    async def WatchRun(  # type: ignore[override]  # messages that are the same for all watchers come as bytes
        self, request: wire.WatchRunRequest, context: Any
    ) -> AsyncIterator[bytes]:
        """Stream a run's log from a sequence on, to its end."""
        run = self._run(request.name)
        if request.after_sequence > run.last_sequence:
            raise _beyond(request.after_sequence, run)
        async for message in follow(self.logs, run.id, request.after_sequence):
            yield message

    async def ListRunEvents(self, request: wire.ListRunEventsRequest, context: Any) -> wire.ListRunEventsResponse:
        """Answer a page of a run's log."""
        run = self._run(request.parent, "parent")
        if request.after_sequence > run.last_sequence:
            raise _beyond(request.after_sequence, run)
        asked = page(request, 100, 1000)
        after = max(asked.position, request.after_sequence)
        found = events.page(self._reader, run.id, after, asked.size + 1, kinds=tuple(request.kinds), step=request.step)
        answer = wire.ListRunEventsResponse()
        translate.add_events(answer.events, found[: asked.size])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].sequence)
        return answer

    async def ListRunPoints(self, request: wire.ListRunPointsRequest, context: Any) -> wire.ListRunPointsResponse:
        """Answer a page of what trainings of a run said of themselves."""
        run, asked = self._run(request.parent, "parent"), page(request, 1000, 10_000)
        found = await asyncio.to_thread(self._points, run, request.step, asked)
        answer = wire.ListRunPointsResponse(points=[translate.point(item) for item in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].id)
        return answer

    def _points(self, run: RunRecord, step: str, asked: Page) -> list[Point]:
        """Bring the points up to date and read them; a store that is damaged is made anew, once."""
        for again in (True, False):
            for record in run.steps:
                for number in range(1, record.attempt + 1):
                    bundle = self.home.bundle(run.id, record.name, number)
                    self.points.catch_up(run.id, record.name, number, bundle)
            try:
                return self.points.page(run.id, step=step, after=asked.position, limit=asked.size + 1)
            except sqlite3.DatabaseError:
                if not again:
                    raise
                self.points.begin_anew()
        return []

    async def _apply(self, name: str, event: StepEvent, asked: Mutation) -> RunRecord:
        """Store what somebody wants of a whole run and make the reconciler look at it."""
        for _ in range(_TRIES):
            before = self._run(name)
            if asked.replayed(self._reader, before.project):
                return before
            asked.hold_to(str(before.version), name)
            if asked.validate_only:
                return self.ledger.foresee(before, event)
            note = asked.note(before.project, name, self.ledger.clock)
            try:
                run = await self.ledger.apply(before, None, event, note=note)
            except (StaleError, ReplayedError):
                continue
            if run.state not in RUN_ENDED:
                self.wake(run.id)
            return self._run(name)
        raise RefusedError("STORE_BUSY", "the run changes too fast; try again", run=name)

    def _told(self, run: RunRecord) -> run_pb2.Run:
        """Return the message of a run, with why its steps wait."""
        if run.state in RUN_ENDED:
            return translate.run(run)
        projects = current().identity.projects(Permission.READ)
        outlook = self.queue.outlook()
        found = {step.name: outlook.reason(run.id, step.name, projects) for step in run.steps}
        return translate.run(run, {name: reason for name, reason in found.items() if reason is not None})

    @property
    def _reader(self) -> sqlite3.Connection:
        return self.ledger.database.read

    def _run(self, name: str, field: str = "name") -> RunRecord:
        identifier = requests.name_part(name, "runs", field)
        run = self.ledger.get(identifier)
        if run is None:
            raise requests.run_missing(identifier)
        return run

    def _of_request(self, project: str, request_id: str, digest: str) -> RunRecord | None:
        check_request_id(request_id)
        return self.admission.of_request(self._reader, project, request_id, digest)

    def _created(self, run: RunRecord) -> wire.CreateRunResponse:
        plan_json, _ = runs.texts(self._reader, run.id)
        actions = [StepAction(step.name, step.action, step.because) for step in run.steps]
        return wire.CreateRunResponse(
            run=translate.run(run), plan_json=plan_json, actions=[translate.action(item) for item in actions]
        )


def _as_urgent(old: RunRecord, call: Call) -> dict[str, Any]:
    """A run that goes on from another one has its place in the queue, as far as the caller may ask for it."""
    highest = call.highest_priority
    priority = old.priority if highest is None else min(old.priority, highest)
    return {"priority": priority, "preemptible": old.preemptible}


def _beyond(sequence: int, run: RunRecord) -> RefusedError:
    message = f"sequence {sequence} is beyond the newest event of run {run.id}, {run.last_sequence}"
    return RefusedError("CURSOR_INVALID", message, run=run.id, newest=str(run.last_sequence))


def _after(request: wire.ListRunsRequest) -> Milliseconds | None:
    return requests.moment(request.create_after, "create_after") if request.HasField("create_after") else None


def _before(request: wire.ListRunsRequest) -> Milliseconds | None:
    return requests.moment(request.create_before, "create_before") if request.HasField("create_before") else None


def _plan_of(compiled: Compiled, expected: str) -> Plan:
    if compiled.plan is None:
        errors = [item for item in compiled.diagnostics if item.severity is Severity.ERROR]
        first = f": {errors[0].code} {errors[0].message}" if errors else ""
        message = f"the spec has {len(errors)} error{'s' if len(errors) != 1 else ''}{first}"
        raise RefusedError("SPEC_INVALID", message, diagnostics=compiled.diagnostics, errors=str(len(errors)))
    if expected and compiled.plan.digest != expected:
        message = f"the plan is {compiled.plan.digest} now, expected was {expected}: look at the plan again"
        raise RefusedError("PLAN_CHANGED", message, plan_digest=compiled.plan.digest, expected=expected)
    return compiled.plan
