"""A plan drawn for people: one line a step, what will be done with it and why, what it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.compiler.ir.difference import StepAction
from tunewright.compiler.ir.plan import AlertRule, Estimate, Plan, Step
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line, shorten
from tunewright.compiler.render.quantities import counted, rough_duration, size

_MAX_SUMMARY = 44
_HEAD = ("step", "verb", "where", "memory (P95)", "time", "result")


def render_plan(plan: Plan, actions: Sequence[StepAction], *, spec: str = "life.yaml", rows: Sequence[str] = ()) -> str:
    """Return the table of a plan, the totals and what to do next. Steps without an action are shown as `create`.

    `rows` are lines about the rows that are learned from, where something is known of them.
    """
    by_step = {action.step: action for action in actions}
    lines = [_title(plan), "", *_table(plan, by_step), ""]
    lines += [*rows, ""] if rows else []
    lines += [*(f"  {line}" for line in alert_lines(plan.alerts)), ""] if plan.alerts else []
    lines += [f"  {sentence}" for sentence in _totals(plan, by_step)]
    shown = next((step for step in plan.steps if step.verb == "train"), plan.steps[-1])
    run = f"run it:  tunewright run {spec}      " if not any(step.not_executable for step in plan.steps) else ""
    lines.append(f"  {run}a step's command:  tunewright plan {spec} --step {shown.name}")
    return clean_line_wise(lines)


def clean_line_wise(lines: Sequence[str]) -> str:
    """Return lines as one text, each made safe to show."""
    return "\n".join(clean_line(line) for line in lines) + "\n"


def short_digest(digest: str) -> str:
    """Return the beginning of a digest without its algorithm."""
    return digest.removeprefix("sha256:")[:12]


def _title(plan: Plan) -> str:
    variant = f"  profile {plan.profile}" if plan.profile else ""
    variant += f"  with {', '.join(plan.sets)}" if plan.sets else ""
    return f"{plan.name}  plan {short_digest(plan.digest)}{variant}  on {plan.machine}"


def _table(plan: Plan, actions: Mapping[str, StepAction]) -> list[str]:
    rows: list[tuple[str, ...]] = [_HEAD]
    capacity_shown = False
    for step in plan.steps:
        memory = _memory(step.estimate, not capacity_shown)
        capacity_shown = capacity_shown or bool(memory)
        rows.append((step.name, step.verb, step.summary, memory, _time(step), _result(step, actions.get(step.name))))
    names = {step.name for step in plan.steps}
    rows += [
        (name, "", "", "", "", f"remove  ({action.because})") for name, action in actions.items() if name not in names
    ]
    return aligned(_fitted(rows))


def _fitted(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, str, str, str]]:
    """Join what a step is and what it takes into one cell: a gate takes nothing, so its requirement has more room."""
    inner = [[shorten(where, _MAX_SUMMARY), memory, time] for _, _, where, memory, time, _ in rows if memory or time]
    widths = [max(len(row[index]) for row in inner) for index in range(3)]
    room = sum(widths) + 4
    fitted = []
    for name, verb, where, memory, time, result in rows:
        cells = (shorten(where, _MAX_SUMMARY), memory, time)
        joined = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        fitted.append((name, verb, joined if memory or time else shorten(where, room).ljust(room), result))
    return fitted


def _memory(estimate: Estimate, with_capacity: bool) -> str:
    if estimate.memory_bytes is None:
        return ""
    text = size(estimate.memory_bytes)
    return f"{text} of {size(estimate.capacity_bytes)}" if with_capacity and estimate.capacity_bytes else text


def _time(step: Step) -> str:
    if step.service:
        return "stays"
    return rough_duration(step.estimate.seconds) if step.estimate.seconds is not None else ""


def _result(step: Step, action: StepAction | None) -> str:
    if step.not_executable:
        return f"not executable: {step.not_executable}"
    if action is None:
        return "create"
    return f"{action.action:<6}  because {action.because}" if action.because else action.action


def _totals(plan: Plan, actions: Mapping[str, StepAction]) -> list[str]:
    reused = [step for step in plan.steps if step.name in actions and actions[step.name].action == "reuse"]
    blocked = [step for step in plan.steps if step.not_executable]
    todo = [step for step in plan.steps if step not in reused and step not in blocked]
    parts = [f"{len(reused)} reused"] if reused else []
    parts.append(f"{len(todo)} to do" if todo else "nothing to do")
    sentences = [f"{', '.join(parts)}{_expected(todo)}.  {_what_leaves(plan, todo)}"]
    if blocked:
        sentences.append(
            f"{counted(len(blocked), 'step')} can't be run yet: {', '.join(step.name for step in blocked)}."
        )
    return sentences


def _expected(todo: Sequence[Step]) -> str:
    timed = [step.estimate for step in todo if step.estimate.seconds is not None and not step.service]
    seconds = sum(item.seconds or 0 for item in timed)
    if not timed or not seconds:
        return ""
    low = sum(item.seconds_low or item.seconds or 0 for item in timed)
    high = sum(item.seconds_high or item.seconds or 0 for item in timed)
    spread = f" ({rough_duration(low)} to {rough_duration(high)})" if high > low else ""
    return f", about {rough_duration(seconds)}{spread}"


def _what_leaves(plan: Plan, todo: Sequence[Step]) -> str:
    """Say what goes over the network: hubs are asked for models and data, the daemon tells its sinks."""
    hubs = sorted({text for step in todo for text in _remote(step)})
    sinks = dict.fromkeys(name for rule in plan.alerts for name in rule.to)
    told = f"  The daemon tells {', '.join(sinks)}." if sinks else ""
    if hubs:
        return f"Fetches {', '.join(hubs)}.{told}"
    return told.strip() or "Nothing leaves this machine."


def alert_lines(alerts: Sequence[AlertRule]) -> list[str]:
    """Return a line for each rule of `alerts`: who is told of what."""
    return [f"alert   {_cause(rule)}  ->  {', '.join(rule.to)} ({rule.severity})" for rule in alerts]


def _cause(rule: AlertRule) -> str:
    if rule.queued_seconds is not None:
        return f"queued for {rough_duration(rule.queued_seconds)}"
    return rule.when if rule.when is not None else ", ".join(rule.events)


def _remote(step: Step) -> list[str]:
    texts: list[Any] = [item.path for item in step.inputs.values()] + list(step.parameters.values())
    return [text for text in texts if isinstance(text, str) and text.startswith(("hf://", "ms://"))]
