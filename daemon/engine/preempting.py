"""Making room for a run of a higher priority, or for maintenance: the part of the state machines that lets a step stop
at a checkpoint and wait for its turn again. Pure, as all of them.
"""

from dataclasses import replace

from tunewright.daemon.engine.pausing import PAUSE_WANTED, RunChange, StepChange
from tunewright.daemon.engine.states import (
    MAINTENANCE,
    Entry,
    Failure,
    Halt,
    Prioritize,
    RunRecord,
    StepRecord,
    StepState,
)
from tunewright.spec.priority import priority_word

PREEMPTED = "PREEMPTED"


def pauses(step: StepRecord) -> bool:
    """Answer whether a step has checkpoints to stop at: training has, nothing else."""
    return step.verb == "train" and not step.service


def preempted(step: StepRecord, by_run: str) -> StepChange:
    """Return a step whose attempt was asked to stop; one that stops already, or was asked before, is left as it is."""
    if step.state is StepState.CANCELLING or step.preempted_for is not None:
        return step, ()
    entry = Entry(kind="step_preempting", step=step.name, attempt=step.attempt, body={"by_run": by_run})
    return replace(step, preempted_for=by_run), (entry,)


def is_why(step: StepRecord, event: Halt) -> bool:
    """Answer whether an attempt has halted to make room; a watchdog may have been faster, for a reason of its own."""
    return step.preempted_for is not None and event.failure.reason == PAUSE_WANTED


def made_room(step: StepRecord) -> StepChange:
    """Return a step that waits for its turn again."""
    by_run = step.preempted_for or ""
    failure = Failure(
        reason=PREEMPTED,
        message=f"it made room for {_whom(by_run)}",
        help="nothing to do: it goes on from its checkpoint when its turn comes",
        step=step.name,
    )
    body = {"by_run": by_run, "reason": failure.reason, "message": failure.message}
    entry = Entry(kind="step_preempted", step=step.name, attempt=step.attempt, body=body)
    # Making room is no retry: the attempts that a temporary failure may cost are as many as before.
    again = replace(step, state=StepState.WAITING, failure=failure, preempted_for=None, retries=step.retries + 1)
    return again, (entry,)


def why_leave(step: StepRecord) -> str:
    """Return what a runner is told that is asked to stop; it may know of no other run."""
    return "maintenance" if step.preempted_for == MAINTENANCE else "a run of a higher priority needs the machine"


def _whom(by_run: str) -> str:
    if by_run == MAINTENANCE:
        return "maintenance of the machine"
    return f"run {by_run}, which has a higher priority" if by_run else "a run of another project with a higher priority"


def prioritized(run: RunRecord, event: Prioritize) -> RunChange:
    """Return a run of another priority."""
    if run.priority == event.priority:
        return run, ()
    body = {"by": event.by, "priority": priority_word(event.priority), "before": priority_word(run.priority)}
    return replace(run, priority=event.priority), (Entry(kind="run_prioritized", body=body),)
