"""Pausing and going on: the part of the state machines that lets a run rest. Pure, as all of them.

A run pauses as a whole: nothing new begins, what runs comes to its end or halts where it can go on, and then the run
is PAUSED. Going on, a step that has halted gets another attempt with the same work folder.
"""

from dataclasses import asdict, replace

from tunewright.daemon.engine.states import (
    STEP_ACTIVE,
    STEP_ENDED,
    Entry,
    Failure,
    Halt,
    Pause,
    Resume,
    RunRecord,
    RunState,
    StepRecord,
    StepState,
)

StepChange = tuple[StepRecord, tuple[Entry, ...]]
RunChange = tuple[RunRecord, tuple[Entry, ...]]

PAUSE_WANTED = "PAUSE_WANTED"


def halted(step: StepRecord, event: Halt) -> StepChange:
    """Return a step whose attempt has ended where the next one can go on."""
    failure = replace(event.failure, step=step.name)
    told = {"reason": failure.reason, "message": failure.message, "help": failure.help}
    entry = Entry(kind="step_paused", step=step.name, attempt=step.attempt, body=told)
    return replace(step, state=StepState.PAUSED, failure=failure), (entry,)


def pause_run(run: RunRecord, event: Pause) -> RunChange:
    """Return a run that begins nothing any more; one that pauses or stops already is left as it is."""
    if run.state not in (RunState.QUEUED, RunState.RUNNING):
        return run, ()
    who = event.by or "somebody"
    message = f"{who} asked for it" + (f": {event.reason}" if event.reason else "")
    failure = Failure(reason=PAUSE_WANTED, message=message, help="go on with `tunewright resume`")
    entry = Entry(kind="run_pausing", body={"by": event.by, "reason": event.reason})
    return replace(run, state=RunState.PAUSING, failure=failure), (entry,)


def resume_run(run: RunRecord, event: Resume) -> RunChange:
    """Return a paused run that goes on as it was; another one is left as it is."""
    if run.state is not RunState.PAUSED:
        return run, ()
    began = any(step.state is not StepState.WAITING for step in run.steps)
    waiting = tuple(_waiting_again(step) for step in run.steps)
    halted_steps = [step.name for step in run.steps if step.state is StepState.PAUSED]
    entry = Entry(kind="run_resumed", body={"by": event.by, "reason": event.reason, "steps": halted_steps})
    state = RunState.RUNNING if began else RunState.QUEUED
    return replace(run, state=state, failure=None, steps=waiting), (entry,)


def rest(run: RunRecord) -> RunChange:
    """Return the run after one of its steps has changed: a halt makes it pause, the last live attempt lets it rest."""
    entries: tuple[Entry, ...] = ()
    halt = next((step for step in run.steps if step.state is StepState.PAUSED), None)
    if halt is not None and run.state is RunState.RUNNING:
        run = replace(run, state=RunState.PAUSING)
        entries = (Entry(kind="run_pausing", body={"by": "", "reason": f"step {halt.name} has paused"}),)
    if run.state is not RunState.PAUSING or any(step.state in STEP_ACTIVE for step in run.steps):
        return run, entries
    if all(step.state in STEP_ENDED for step in run.steps):
        return run, entries
    if halt is not None and (run.failure is None or (halt.failure and halt.failure.reason != PAUSE_WANTED)):
        run = replace(run, failure=halt.failure)
    told = {} if run.failure is None else asdict(run.failure)
    return replace(run, state=RunState.PAUSED), (*entries, Entry(kind="run_paused", body=told))


def _waiting_again(step: StepRecord) -> StepRecord:
    if step.state is not StepState.PAUSED:
        return step
    # Going on is no retry: the attempts that a temporary failure may cost are as many as before.
    return replace(step, state=StepState.WAITING, retries=step.retries + 1)
