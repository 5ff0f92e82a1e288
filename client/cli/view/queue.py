"""The queue as text: what there is, who has it, who waits."""

from datetime import UTC, datetime

from tunewright.client.queue_values import HoldingStep, Queue, QueuedStep, Supply
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.quantities import counted, duration, size
from tunewright.spec.priority import priority_word


def queue_text(queue: Queue, now: datetime | None = None) -> str:
    """Return the whole screen."""
    lines = [_free(queue.total, queue.free)]
    if queue.holding:
        moment = now or datetime.now(UTC)
        heading = ("has it", "step", "spec", "project", "priority", "holds", "since", "")
        rows: list[tuple[str, ...]] = [heading, *(_holding(item, moment) for item in queue.holding)]
        lines += ["", *aligned(rows, indent="")]
    if queue.steps:
        rows = [("waits", "step", "spec", "project", "priority", "needs", ""), *map(_waiting, queue.steps)]
        lines += ["", *aligned(rows, indent="")]
    else:
        lines += ["", "nobody waits" if not queue.others else "nobody waits in your projects"]
    if queue.others:
        lines += ["", f"{counted(queue.others, 'step')} of other projects in the queue"]
    return "\n".join(clean_line(line) for line in lines) + "\n"


def amount(supply: Supply) -> str:
    """Return what a step needs or has: `2 accelerators`, `1 CPU slot, 3.1 GB`."""
    parts = [counted(supply.devices, "accelerator")] if supply.devices else []
    parts += [counted(supply.slots, "CPU slot")] if supply.slots else []
    parts += [size(supply.memory_bytes)] if supply.memory_bytes else []
    return ", ".join(parts)


def _free(total: Supply, free: Supply) -> str:
    parts = [f"{free.devices} of {counted(total.devices, 'accelerator')}"] if total.devices else []
    parts.append(f"{free.slots} of {counted(total.slots, 'CPU slot')}")
    return f"free: {', '.join(parts)}"


def _waiting(item: QueuedStep) -> tuple[str, ...]:
    return (*_whose(item), amount(item.needs), item.waiting.message)


def _holding(item: HoldingStep, now: datetime) -> tuple[str, ...]:
    since = duration(max(0.0, (now - item.start_time).total_seconds())) if item.start_time else ""
    return (*_whose(item), amount(item.holds), since, "makes room" if item.leaving else "")


def _whose(item: HoldingStep | QueuedStep) -> tuple[str, ...]:
    return item.run, item.step, item.spec_name, item.project, priority_word(item.priority)
