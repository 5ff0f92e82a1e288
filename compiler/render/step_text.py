"""One step drawn for people: exactly what will be executed, and where every value comes from."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.ir.plan import Launch, Plan, Process, Step, StepInput
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean
from tunewright.compiler.render.plan_text import short_digest
from tunewright.compiler.render.quantities import duration, size

_VALUE_WIDTH = 48
_CHOSEN_AS_A_WHOLE = ("tuner", "parallelism", "quantize")


def render_step(plan: Plan, step: Step) -> str:
    """Return everything about a step that decides what happens."""
    lines = [
        f"{step.name}  {step.verb}  {step.kind}  {step.summary}",
        f"  step {step.digest}  of plan {short_digest(plan.digest)}",
    ]
    if step.not_executable:
        lines += ["", f"  not executable: {step.not_executable}"]
    if step.gate is not None:
        lines += [
            "",
            "  requirements",
            *(f"    {text}" for text in step.gate.require),
            f"    otherwise: {step.gate.on_fail}",
        ]
    if step.launch is not None:
        lines += _launch(step.launch)
    lines += _section("inputs", aligned([_input_row(name, item) for name, item in step.inputs.items()], indent="    "))
    lines += _section("parameters", aligned(_parameter_rows(step), indent="    "))
    lines += _section("expected", _expected(step))
    return clean("\n".join(line.rstrip() for line in lines) + "\n")


def option_lines(argv: tuple[str, ...]) -> list[str]:
    """Return an argument list with one option a line, each with its values."""
    lines: list[str] = []
    for argument in argv:
        quoted = _quoted(argument)
        if not lines or argument.startswith("-"):
            lines.append(quoted)
        else:
            lines[-1] += f" {quoted}"
    return lines


def _launch(launch: Launch) -> list[str]:
    gang = launch.processes_per_node * launch.nodes
    where = f"environment {launch.environment}, {gang} process{'es' if gang > 1 else ''}"
    lines: list[str] = []
    for process in launch.prepare:
        lines += ["", "  before", *_process(process)]
    lines += ["", f"  command  ({where})", *_process(launch.command)]
    for name, content in launch.files.items():
        lines += ["", f"  file work/{name}", *(f"    {line}" for line in content.splitlines())]
    return lines


def _process(process: Process) -> list[str]:
    options = option_lines(process.argv)
    lines = [f"    {options[0]}", *(f"      {text}" for text in options[1:])]
    return lines + [f"    {name}={_quoted(value)}" for name, value in sorted(process.env.items())]


def _input_row(name: str, item: StepInput) -> tuple[str, ...]:
    origin = f"from step {item.step}" if item.step else (item.path or "")
    return name, item.role, origin, item.digest or ("the artifact's digest, once it is there" if item.step else "")


def _parameter_rows(step: Step) -> list[tuple[str, ...]]:
    return [
        (path, value if len(value) <= _VALUE_WIDTH else value[: _VALUE_WIDTH - 1] + "…", _provenance(step, path))
        for path, value in _flat("", step.parameters)
    ]


def _provenance(step: Step, path: str) -> str:
    """Find where a value comes from: provenance is kept by spec path, parameters are named inside their step."""
    for known, text in step.provenance.items():
        if known == path or known.endswith(f".{path}"):
            return text
    # What was chosen as a whole (a tuner, a parallelism) has one origin for all its parts.
    whole = path.partition(".")[0]
    return _provenance(step, whole) if whole in _CHOSEN_AS_A_WHOLE and whole != path else ""


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [row for name, item in value.items() for row in _flat(f"{prefix}.{name}" if prefix else str(name), item)]
    return [(prefix, _word(value))] if prefix else []


def _word(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(_word(item) for item in value) or "none"
        case Mapping():
            return "none"
        case _:
            return str(value).replace("\n", "\\n")


def _expected(step: Step) -> list[str]:
    estimate, lines = step.estimate, []
    if estimate.memory_bytes is not None:
        capacity = f" of {size(estimate.capacity_bytes)}" if estimate.capacity_bytes else ""
        lines.append(f"    memory {size(estimate.memory_bytes)}{capacity} a process (P95)")
        lines += aligned([(name, size(count)) for name, count in estimate.breakdown.items()], indent="      ")
    if estimate.seconds is not None:
        lines.append(f"    time {duration(estimate.seconds)}")
    if estimate.disk_bytes is not None:
        lines.append(f"    disk {size(estimate.disk_bytes)}")
    limits = (("stopped after", step.limits.total_seconds), ("counts as hung after", step.limits.stall_seconds))
    lines += [f"    {words} {duration(seconds)}" for words, seconds in limits if seconds]
    if step.resources is not None and step.resources.memory_bytes is not None:
        lines.append(f"    ended beyond {size(step.resources.memory_bytes)} of main memory")
    if step.resources is not None and step.resources.cpus is not None:
        lines.append(f"    at most {step.resources.cpus:g} processors")
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"  {title}", *lines] if lines else []


def _quoted(text: str) -> str:
    from shlex import quote

    # Placeholders are filled on the executing machine: quoting them would only hide them.
    return text if "{" in text and " " not in text else quote(text)
