"""The view of a daemon as a whole: what runs, what waits, devices, services, what has ended. Text in, text out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tunewright.client.cli.view.machine import maintenance_sentence
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.cli.view.steps import step_line
from tunewright.client.machine_values import Device
from tunewright.client.queue_values import Queue, QueuedStep, Supply
from tunewright.client.values import Deployment, Run, ServerInfo
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.plain import clean_line, shorten
from tunewright.compiler.render.quantities import counted, duration, share_of_size
from tunewright.spec.priority import priority_word

_BUSY = frozenset({"starting", "running", "retrying", "cancelling"})
_LATELY = 5
_NOTHING = Supply(devices=0, slots=0, memory_bytes=0)
_NOBODY_WAITS = Queue(steps=(), others=0, holding=(), total=_NOTHING, free=_NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How a daemon is at one moment. `active` are runs that have not ended, newest first, `ended` the last that have;
    `notice` is what is wrong with the view itself.
    """

    target: str
    time: datetime
    info: ServerInfo
    active: Sequence[Run] = ()
    ended: Sequence[Run] = ()
    progress: Mapping[str, RunProgress] = field(default_factory=dict)
    devices: Sequence[Device] = ()
    services: Sequence[Deployment] = ()
    queue: Queue = _NOBODY_WAITS
    notice: str = ""


def top_text(snapshot: Snapshot, *, columns: int, rows: int | None = None, blocks: bool = False) -> str:
    """Return the view, each line within the screen; with `rows` what does not fit is counted instead of shown."""
    head = [*_head(snapshot), ""]
    sections = [
        ("runs", _runs(snapshot, blocks)),
        ("waiting", _waiting(snapshot)),
        ("devices", _devices(snapshot.devices)),
        ("services", _services(snapshot)),
        ("ended", _ended(snapshot)),
    ]
    shown = [(title, lines) for title, lines in sections if lines]
    if rows is not None:
        shown = _fitted(shown, rows - len(head))
    body = [line for title, lines in shown for line in (title.upper(), *lines, "")]
    if not any(title != "ended" for title, _ in shown):
        body = ["nothing runs; start something: tunewright run life.yaml", "", *body]
    return "\n".join(shorten(clean_line(line), columns) for line in [*head, *body][:-1])


def is_at_work(run: Run) -> bool:
    """Answer whether something of a run is being done now."""
    return any(step.state in _BUSY for step in run.steps)


def _head(snapshot: Snapshot) -> list[str]:
    info = snapshot.info
    working = sum(is_at_work(run) for run in snapshot.active)
    waiting = len(snapshot.queue.steps) + snapshot.queue.others
    paused = sum(run.paused for run in snapshot.active)
    parts = [f"{working} running", f"{waiting} waiting", *([f"{paused} paused"] if paused else [])]
    up = f"up {_ago(info.start_time, snapshot.time)}" if info.start_time else ""
    place = snapshot.target.removeprefix("unix:")
    lines = ["  ".join(filter(None, (f"tunewright {info.version}", ", ".join(parts), up, place)))]
    if info.maintenance is not None:
        lines.append(f"maintenance: {maintenance_sentence(info.maintenance)}")
    if snapshot.notice:
        lines.append(snapshot.notice)
    return lines


def _runs(snapshot: Snapshot, blocks: bool) -> list[str]:
    queued = {item.run for item in snapshot.queue.steps}
    lines: list[str] = []
    for run in snapshot.active:
        if run.id in queued and not is_at_work(run):
            continue
        done = sum(step.state in ("succeeded", "reused") for step in run.steps)
        since = _ago(run.start_time, snapshot.time)
        lines.append(
            "  ".join(
                filter(
                    None,
                    (run.id, run.spec_name, *_elsewhere(run.project), run.state, f"{done}/{len(run.steps)}", since),
                )
            )
        )
        progress = snapshot.progress.get(run.id) or RunProgress()
        busy = [step for step in run.steps if step.state in _BUSY or (run.paused and step.state == "paused")]
        width = max((len(step.step) for step in busy), default=0)
        lines += [step_line(step, progress.of(step.step), name_width=width, blocks=blocks) for step in busy]
    return lines


def _waiting(snapshot: Snapshot) -> list[str]:
    rows = [(item.run, item.step, _whose(item), item.waiting.message) for item in snapshot.queue.steps]
    others = snapshot.queue.others
    return [*aligned(rows, indent=""), *([f"{counted(others, 'step')} of other projects"] if others else [])]


def _devices(devices: Sequence[Device]) -> list[str]:
    rows = [
        (
            str(item.index),
            item.kind,
            item.state,
            _memory(item),
            "" if item.utilization is None else f"{item.utilization * 100:3.0f} %",
            "" if item.temperature_celsius is None else f"{item.temperature_celsius:.0f} C",
            " ".join(item.holder) if item.holder is not None else item.reason,
        )
        for item in devices
    ]
    return aligned(rows, indent="")


def _memory(device: Device) -> str:
    return "" if device.memory_used_bytes is None else share_of_size(device.memory_used_bytes, device.memory_bytes)


def _services(snapshot: Snapshot) -> list[str]:
    rows = [
        (
            item.id,
            item.state,
            item.address,
            _ago(item.create_time, snapshot.time),
            item.failure.reason if item.failure else "",
        )
        for item in snapshot.services
    ]
    return aligned(rows, indent="")


def _ended(snapshot: Snapshot) -> list[str]:
    rows = []
    for run in snapshot.ended[:_LATELY]:
        why = ": ".join(filter(None, (run.failure.step, run.failure.reason))) if run.failure else ""
        rows.append((run.id, run.spec_name, run.state, f"{_ago(run.end_time, snapshot.time)} ago", why))
    return aligned(rows, indent="")


def _whose(item: QueuedStep) -> str:
    """What is as usual needs no word."""
    priority = priority_word(item.priority)
    return " ".join([item.spec_name, *_elsewhere(item.project), *([] if priority == "normal" else [priority])])


def _elsewhere(project: str) -> tuple[str, ...]:
    return () if project == "default" else (f"({project})",)


def _ago(moment: datetime | None, now: datetime) -> str:
    """Whole seconds: tenths would flicker on a screen that is drawn again and again."""
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    return duration(seconds) if seconds >= 10 else f"{seconds}s"


def _fitted(sections: Sequence[tuple[str, list[str]]], rows: int) -> list[tuple[str, list[str]]]:
    """Return sections that fit: the last ones give way first, but for two lines that say how much there is."""
    while len(sections) > 1 and sum(_least(lines) for _, lines in sections) > rows + 1:  # the last blank is not drawn
        sections = sections[:-1]
    left = rows + 1 - sum(_least(lines) for _, lines in sections)
    fitted = []
    for title, lines in sections:
        more = min(max(0, left), len(lines) + 2 - _least(lines))
        left -= more
        room = _least(lines) + more - 2
        kept = lines if room >= len(lines) else [*lines[: room - 1], f"… {counted(len(lines) - room + 1, 'line')} more"]
        fitted.append((title, kept))
    return fitted


def _least(lines: Sequence[str]) -> int:
    """Return the rows that a section takes at least: its title, one or two lines, and a blank."""
    return min(len(lines), 2) + 2
