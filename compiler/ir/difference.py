"""What a plan would do compared with what was done before: Create / Reuse / Rerun (because ...) / Remove, as one value
a step.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tunewright.compiler.ir.plan import Plan, Step
from tunewright.spec.record import record


@record
class StepAction:
    """One line of a plan's difference. `action`: create, reuse, rerun or remove; `because` names the first thing that
    changed.
    """

    step: str
    action: str
    because: str = ""


def difference(plan: Plan, previous: Plan | None, kept: Callable[[Step], bool]) -> tuple[StepAction, ...]:
    """Compare `plan` with the plan of the last run of the same name.

    `kept(step)` tells whether the result of a step with this digest is at hand (whoever made it): that alone decides
    about reuse.
    """
    before = {step.name: step for step in previous.steps} if previous else {}
    actions: list[StepAction] = []
    redone: set[str] = set()
    for step in plan.steps:
        if kept(step):
            actions.append(StepAction(step.name, "reuse"))
            continue
        redone.add(step.name)
        old = before.get(step.name)
        if old is None:
            actions.append(StepAction(step.name, "create"))
        else:
            actions.append(StepAction(step.name, "rerun", _because(old, step, redone)))
    names = {step.name for step in plan.steps}
    actions += [StepAction(name, "remove", "not in the spec any more") for name in before if name not in names]
    return tuple(actions)


def _because(old: Step, new: Step, redone: set[str]) -> str:
    if old.digest == new.digest:
        return (
            "its result is not at hand (the step did not finish, or was cleaned up)"
            if not new.service
            else "it is not running"
        )
    found = _changes(old, new)
    own = [text for path, text in found if not path.startswith("step.")]
    if own:
        return own[0] if len(own) == 1 else f"{own[0]} and {len(own) - 1} more"
    upstream = [path.removeprefix("step.") for path, _ in found]
    shown = [name for name in upstream if name in redone] or upstream
    return f"{', '.join(shown)} changes" if len(shown) == 1 else f"{', '.join(shown)} change"


def changes(old: Step, new: Step) -> list[str]:
    """Return everything that decides about a step's result and is another than before, its own things first."""
    return [
        f"the result of {path.removeprefix('step.')} changes" if path.startswith("step.") else text
        for path, text in _changes(old, new)
    ]


def _changes(old: Step, new: Step) -> list[tuple[str, str]]:
    return [
        _describe(path, old.identity, new.identity)
        for path in sorted({*old.identity, *new.identity}, key=_rank)
        if old.identity.get(path, _ABSENT) != new.identity.get(path, _ABSENT)
    ]


_ABSENT: Any = object()


def _rank(path: str) -> tuple[bool, str]:
    return path.startswith("step."), path


def _describe(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str]:
    if path not in old:
        return path, f"{path} is new"
    if path not in new:
        return path, f"{path} is gone"
    if path.startswith(("data.", "suites.", "file.")):
        return path, f"the content of {path} changed"
    return path, f"{path} {_short(old[path])} -> {_short(new[path])}"


def _short(value: Any) -> str:
    text = (
        value
        if isinstance(value, str)
        else repr(value).replace("'", "").replace("True", "true").replace("False", "false").replace("None", "unset")
    )
    return text if len(text) <= 48 else text[:45] + "..."
