"""Why a step waits, in words."""

from dataclasses import dataclass

from tunewright.compiler.render.quantities import counted, ordinal, size
from tunewright.daemon.queue.machine import Machine
from tunewright.daemon.queue.order import Blocked
from tunewright.daemon.store.projects import Projects


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a step does not begin. `behind` is the run just before it, empty where there is none to be seen."""

    reason: str
    message: str
    position: int
    behind: str = ""


def why(blocked: Blocked, machine: Machine, projects: Projects) -> Reason:
    """Return why a step waits, for somebody who may see these projects."""
    before = blocked.behind
    seen = before is not None and (projects is None or before.project in projects)
    behind = before.run if before is not None and seen else ""
    reason, what = _what(blocked, machine)
    place = "next in the queue" if before is None else f"{ordinal(blocked.position)} in the queue"
    if before is not None:
        place += f", behind {f'run {behind}' if behind else 'a run of another project'}"
    return Reason(reason=reason, message=f"waiting for {what}; {place}", position=blocked.position, behind=behind)


def _what(blocked: Blocked, machine: Machine) -> tuple[str, str]:
    needs, free = blocked.waiting.needs, blocked.free
    if machine.closed is not None:
        return "MAINTENANCE", f"the end of {machine.closed}"
    if "devices" in blocked.lacking:
        what = f"{needs.devices} of {counted(len(machine.devices), 'accelerator')}"
        if blocked.makes_room:
            return "PREEMPTING", f"{what}, which others leave at their next checkpoint"
        states = [state for _, state in machine.withheld]
        notes = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
        return "ACCELERATORS", f"{what} ({', '.join([f'{max(0, free.devices)} free', *notes])})"
    if "slots" in blocked.lacking:
        what = "the CPU slot" if machine.slots == 1 else f"one of {machine.slots} CPU slots"
        if blocked.makes_room:
            return "PREEMPTING", f"{what}, which another leaves at its next checkpoint"
        return "SLOT", what
    if "memory_bytes" in blocked.lacking:
        return "MEMORY", f"{size(needs.memory_bytes)} of main memory ({size(max(0, free.memory_bytes))} free)"
    return "RESERVED", "its turn: what is free is kept for who is before it"
