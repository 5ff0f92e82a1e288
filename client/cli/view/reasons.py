"""Why a step would be done again: its own changes, and those of the steps whose results it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.client.cli.exits import USAGE, CommandError
from tunewright.compiler.ir.difference import StepAction, changes
from tunewright.compiler.ir.plan import Plan, Step
from tunewright.compiler.render.plain import clean_line

_WORDS = {
    "create": "was never done",
    "reuse": "is reused: nothing that it rests on changed",
    "rerun": "would be done again",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A step of the chain: what would happen to it, and everything about it that changed since the last run."""

    step: str
    action: str
    because: tuple[str, ...]


def reasons(plan: Plan, actions: Sequence[StepAction], previous: Plan | None, step: str) -> tuple[Reason, ...]:
    """Return the step itself, then the steps above that it would be done again for, nearest first."""
    by_name = {action.step: action for action in actions}
    if step not in {item.name for item in plan.steps}:
        names = ", ".join(item.name for item in plan.steps)
        raise CommandError(f"the plan has no step `{step}`", help=f"its steps: {names}", code=USAGE)
    chain: list[Reason] = []
    waiting = [step]
    while waiting:
        name = waiting.pop(0)
        action = by_name.get(name)
        if name in {reason.step for reason in chain} or action is None or (chain and action.action == "reuse"):
            continue
        chain.append(Reason(name, action.action, _because(plan.step(name), action, previous)))
        waiting += [key.removeprefix("step.") for key in plan.step(name).identity if key.startswith("step.")]
    return tuple(chain)


def reasons_text(chain: Sequence[Reason]) -> str:
    """Return the chain for people: a line a step, its changes below."""
    lines = []
    for reason in chain:
        lines.append(f"{reason.step} {_WORDS[reason.action]}" + (", because" if reason.because else ""))
        lines += [f"  {text}" for text in reason.because]
    return "".join(clean_line(line) + "\n" for line in lines)


def reasons_value(chain: Sequence[Reason]) -> dict[str, Any]:
    """Return the chain as a JSON object."""
    return {"reasons": [{"step": item.step, "action": item.action, "because": list(item.because)} for item in chain]}


def _because(step: Step, action: StepAction, previous: Plan | None) -> tuple[str, ...]:
    before = {item.name: item for item in previous.steps} if previous is not None else {}
    own = changes(before[step.name], step) if step.name in before else []
    if action.action == "rerun" and own:
        return tuple(own)
    return (action.because,) if action.because else ()
