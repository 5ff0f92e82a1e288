"""What a run does next: a pure look at its steps."""

from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.backoff import LONGEST_MILLISECONDS
from tunewright.daemon.engine.states import STEP_DONE, RunRecord, RunState, StepRecord, StepState


@dataclass(frozen=True, slots=True)
class Turn:
    """The steps whose turn it is, in the plan's order, and when to look again because a pause ends (None: no pause)."""

    ready: tuple[StepRecord, ...]
    next_look: Milliseconds | None


def turn(run: RunRecord, now: Milliseconds) -> Turn:
    """Return the steps that could begin now: what they need is done, and their pause after a failure is over."""
    if run.state not in (RunState.QUEUED, RunState.RUNNING):
        return Turn((), None)
    ready, pauses = [], []
    for step in run.steps:
        match step.state:
            case StepState.WAITING if all(run.step(name).state in STEP_DONE for name in step.needs):
                ready.append(step)
            case StepState.RETRYING if pause_over(step.not_before, now):
                ready.append(step)
            case StepState.RETRYING if step.not_before is not None:
                pauses.append(step.not_before)
            case _:
                continue
    return Turn(tuple(ready), min(pauses, default=None))


def pause_over(until: Milliseconds | None, now: Milliseconds) -> bool:
    """Answer whether a pause is over. None is longer than the longest: one that seems to be was set before somebody
    turned the clock back.
    """
    return until is None or until <= now or until > now + LONGEST_MILLISECONDS
