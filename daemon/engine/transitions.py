"""The state machines: `(state, event, now) -> (state, effects)`, nothing else. The effects are the log entries of the
change.

Steps (events in brackets):

    WAITING    -[Reuse]-> REUSED   -[Begin]-> STARTING   -[Succeed, Fail]-> SUCCEEDED, FAILED (gates)   -[Skip]->
    SKIPPED
    STARTING   -[Up]-> RUNNING     -[Fail]-> RETRYING or FAILED
    RUNNING    -[Ready, Succeed]-> SUCCEEDED     -[Fail]-> RETRYING or FAILED
    RUNNING    -[Halt]-> PAUSED    (STARTING too); after [Preempt] -> WAITING
    RETRYING   -[Begin]-> STARTING
    CANCELLING -[Succeed, Ready]-> SUCCEEDED     -[Fail, Halt, Stopped]-> CANCELLED
    any        -[Cancel]-> CANCELLED where nothing runs, else CANCELLING

Runs: QUEUED -> RUNNING with the first step; [Pause], or a step that halts -> PAUSING, and PAUSED when no attempt lives;
[Resume] -> RUNNING, its PAUSED steps WAITING; [Prioritize] changes no state; [Cancel] -> CANCELLING; when every step
has ended: FAILED if one failed, CANCELLED if one was cancelled, else SUCCEEDED. States that have ended take no event.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine import pausing, preempting
from tunewright.daemon.engine.backoff import backoff_milliseconds
from tunewright.daemon.engine.states import (
    RUN_ENDED,
    STEP_ACTIVE,
    STEP_DONE,
    STEP_ENDED,
    Begin,
    Cancel,
    Entry,
    Fail,
    Halt,
    Pause,
    Preempt,
    Prioritize,
    Ready,
    Resume,
    Reuse,
    RunRecord,
    RunState,
    Skip,
    StepEvent,
    StepRecord,
    StepState,
    Stopped,
    Succeed,
    Up,
    Verdict,
)

StepChange = tuple[StepRecord, tuple[Entry, ...]]
RunChange = tuple[RunRecord, tuple[Entry, ...]]


class TransitionError(RuntimeError):
    """The event makes no sense in this state: a bug of whoever fed it."""


def step_transition(step: StepRecord, event: StepEvent, now: Milliseconds) -> StepChange:
    """Return what becomes of a step, and what to log; raise TransitionError for an event out of place."""
    if step.state in STEP_ENDED:
        return step, ()
    match event:
        case Succeed() if step.state is not StepState.RETRYING:
            return _succeeded(step, event, now)
        case Fail() if step.state is not StepState.RETRYING:
            return _cancelled(step, now) if step.state is StepState.CANCELLING else _failed(step, event, now)
        case Halt() if step.state in STEP_ACTIVE:
            return _halted(step, event, now)
        case Preempt(by_run=run) if step.state in STEP_ACTIVE:
            return preempting.preempted(step, run)
        case Cancel(mode=mode):
            return _cancel(step, mode, now)
        case Up() | Ready() | Stopped() if step.state in STEP_ACTIVE:
            return _heard(step, event, now)
        case Reuse() | Skip() if step.state is StepState.WAITING:
            return _reused(step, event, now) if isinstance(event, Reuse) else _skipped(step, event, now)
        case Begin() if step.state in (StepState.WAITING, StepState.RETRYING):
            return _begun(step, now)
        case _:
            raise _misplaced(step, event)


def run_transition(run: RunRecord, step: str | None, event: StepEvent, now: Milliseconds) -> RunChange:
    """Return what becomes of a run when `event` happens to one of its steps; with `step` None, Cancel, Pause or Resume
    to all of it.
    """
    if run.state in RUN_ENDED:
        return run, ()
    if step is None:
        run, entries = _of_the_run(run, event, now)
    else:
        changed, entries = step_transition(run.step(step), event, now)
        run = _with_step(run, changed)
    run, begun = _begin_run(run, now)
    run, more = _settle(run, now)
    return run, begun + entries + more


def _of_the_run(run: RunRecord, event: StepEvent, now: Milliseconds) -> RunChange:
    match event:
        case Cancel():
            return _cancel_run(run, event, now)
        case Pause():
            return pausing.pause_run(run, event)
        case Resume():
            return pausing.resume_run(run, event)
        case Prioritize():
            return preempting.prioritized(run, event)
        case _:
            raise TransitionError(f"{type(event).__name__} happens to steps, not to runs")


def _misplaced(step: StepRecord, event: StepEvent) -> TransitionError:
    return TransitionError(f"step {step.name} is {step.state}; {type(event).__name__} makes no sense there")


def _heard(step: StepRecord, event: Up | Ready | Stopped, now: Milliseconds) -> StepChange:
    """What a live attempt lets know of itself."""
    match event:
        case Up() if step.state is StepState.STARTING:
            return replace(step, state=StepState.RUNNING), (_entry(step, "step_running"),)
        case Up():
            return step, ()
        case Ready(address=address):
            ended = replace(step, state=StepState.SUCCEEDED, address=address, end_time=now)
            return ended, (_entry(step, "step_succeeded", address=address),)
        case Stopped() if step.state is StepState.CANCELLING:
            return _cancelled(step, now)
        case _:
            raise _misplaced(step, event)


def _halted(step: StepRecord, event: Halt, now: Milliseconds) -> StepChange:
    if step.state is StepState.CANCELLING:
        return _cancelled(step, now)
    return preempting.made_room(step) if preempting.is_why(step, event) else pausing.halted(step, event)


def _cancel(step: StepRecord, mode: str, now: Milliseconds) -> StepChange:
    if step.state is StepState.CANCELLING:
        return step, ()
    if step.state in STEP_ACTIVE:
        return replace(step, state=StepState.CANCELLING), (_entry(step, "step_cancelling", mode=mode),)
    return _cancelled(step, now)


def _skipped(step: StepRecord, event: Skip, now: Milliseconds) -> StepChange:
    ended = replace(step, state=StepState.SKIPPED, end_time=now)
    return ended, (_entry(step, "step_skipped", because=event.because),)


def _reused(step: StepRecord, event: Reuse, now: Milliseconds) -> StepChange:
    ended = replace(
        step,
        state=StepState.REUSED,
        artifact=event.artifact,
        verdict=event.verdict,
        address=event.address,
        reused_from=event.source_run,
        start_time=now,
        end_time=now,
    )
    found = {"artifact": event.artifact, "address": event.address}
    body = {name: value for name, value in found.items() if value is not None}
    return ended, (_entry(step, "step_reused", source_run=event.source_run, **body),)


def _begun(step: StepRecord, now: Milliseconds) -> StepChange:
    begun = replace(
        step,
        state=StepState.STARTING,
        attempt=step.attempt + 1,
        not_before=None,
        failure=None,
        preempted_for=None,
        start_time=now if step.start_time is None else step.start_time,
    )
    return begun, (_entry(begun, "step_started"),)


def _succeeded(step: StepRecord, event: Succeed, now: Milliseconds) -> StepChange:
    ended = replace(
        step,
        state=StepState.SUCCEEDED,
        artifact=event.artifact,
        verdict=event.verdict,
        start_time=now if step.start_time is None else step.start_time,
        end_time=now,
    )
    body = dict(event.facts)
    if event.artifact is not None:
        body["artifact"] = event.artifact
    return ended, (*_evaluated(step, event), _entry(step, "step_succeeded", **body))


def _failed(step: StepRecord, event: Fail, now: Milliseconds) -> StepChange:
    failure = replace(event.failure, step=step.name)
    told = {"reason": failure.reason, "message": failure.message, "help": failure.help}
    if event.temporary and step.attempt <= step.retries:
        pause = backoff_milliseconds(step.attempt)
        waiting = replace(step, state=StepState.RETRYING, failure=failure, not_before=now + pause)
        return waiting, (_entry(step, "step_retrying", in_seconds=pause / 1000, **told),)
    ended = replace(
        step,
        state=StepState.FAILED,
        failure=failure,
        verdict=event.verdict,
        start_time=now if step.start_time is None else step.start_time,
        end_time=now,
    )
    return ended, (*_evaluated(step, event), _entry(step, "step_failed", **told))


def _cancelled(step: StepRecord, now: Milliseconds) -> StepChange:
    return replace(step, state=StepState.CANCELLED, not_before=None, end_time=now), (_entry(step, "step_cancelled"),)


def _evaluated(step: StepRecord, event: Succeed | Fail) -> tuple[Entry, ...]:
    found = () if event.verdict is None else (_entry(step, "gate_evaluated", **_verdict_body(event.verdict)),)
    return (*found, _entry(step, "alert", message=event.alert)) if event.alert else found


def _verdict_body(verdict: Verdict) -> Mapping[str, Any]:
    return {"passed": verdict.passed, "requirements": [asdict(item) for item in verdict.requirements]}


def _entry(step: StepRecord, kind: str, /, **body: Any) -> Entry:
    return Entry(kind=kind, step=step.name, attempt=step.attempt, body=body)


def _cancel_run(run: RunRecord, event: Cancel, now: Milliseconds) -> RunChange:
    if run.cancel_mode == event.mode or run.cancel_mode == "now":
        return run, ()
    entries: tuple[Entry, ...] = (Entry(kind="run_cancelling", body={"mode": event.mode, "reason": event.reason}),)
    run = replace(run, state=RunState.CANCELLING, cancel_mode=event.mode, cancel_reason=event.reason)
    for step in run.steps:
        changed, told = step_transition(step, event, now)
        run = _with_step(run, changed)
        entries += told
    return run, entries


def _begin_run(run: RunRecord, now: Milliseconds) -> RunChange:
    """A run begins with its first step; one that is cancelled before never does."""
    if run.state is not RunState.QUEUED or all(step.state is StepState.WAITING for step in run.steps):
        return run, ()
    return replace(run, state=RunState.RUNNING, start_time=now), (Entry(kind="run_started"),)


def _settle(run: RunRecord, now: Milliseconds) -> RunChange:
    """Let follow what follows: steps that can't be done any more are skipped, the run ends."""
    entries: list[Entry] = []
    for step in run.steps:  # in the plan's order, so that one walk reaches all that depend on each other
        missing = [name for name in step.needs if run.step(name).state in STEP_ENDED - STEP_DONE]
        if step.state is StepState.WAITING and missing:
            changed, told = step_transition(step, Skip(because=missing[0]), now)
            run = _with_step(run, changed)
            entries += told
    run, told = _ended(run, now) if all(step.state in STEP_ENDED for step in run.steps) else pausing.rest(run)
    return run, (*entries, *told)


def _ended(run: RunRecord, now: Milliseconds) -> RunChange:
    states = {step.state for step in run.steps}
    start = now if run.start_time is None else run.start_time
    run = replace(run, start_time=start, end_time=now, failure=None)
    if StepState.FAILED in states:
        failure = next(step.failure for step in run.steps if step.state is StepState.FAILED)
        told = {} if failure is None else asdict(failure)
        return replace(run, state=RunState.FAILED, failure=failure), (Entry(kind="run_failed", body=told),)
    if StepState.CANCELLED in states:
        return replace(run, state=RunState.CANCELLED), (Entry(kind="run_cancelled"),)
    return replace(run, state=RunState.SUCCEEDED), (Entry(kind="run_succeeded"),)


def _with_step(run: RunRecord, changed: StepRecord) -> RunRecord:
    return replace(run, steps=tuple(changed if step.name == changed.name else step for step in run.steps))


def active(run: RunRecord) -> tuple[StepRecord, ...]:
    """Return the steps that have a live attempt."""
    return tuple(step for step in run.steps if step.state in STEP_ACTIVE)
