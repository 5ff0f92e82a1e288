"""A step of a run as one line: what it does now, or how it ended."""

from collections.abc import Sequence
from itertools import pairwise

from tunewright.client.cli.view.progress import StepProgress
from tunewright.client.values import RunStep
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.quantities import duration, figure, rough_duration, share_of_size, size

#: What the first column says for each state.
STATE_WORDS = {
    "waiting": "wait", "starting": "start", "running": "run", "retrying": "retry", "paused": "pause",
    "cancelling": "stop", "succeeded": "ok", "reused": "ok", "failed": "fail", "cancelled": "stop", "skipped": "skip",
}  # fmt: skip

_BAR_WIDTH = 10
_CURVE_WIDTH = 8
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-^"


def step_line(
    step: RunStep, progress: StepProgress, *, name_width: int, memory_bytes: int | None = None, blocks: bool = False
) -> str:
    """Return a step's line; `memory_bytes` is what was estimated, `blocks` draws the curve with block characters."""
    word = STATE_WORDS.get(step.state, step.state)
    return clean_line(f"  {word:<5} {step.step:<{name_width}}  {_what(step, progress, memory_bytes, blocks)}".rstrip())


def now_doing(progress: StepProgress, memory_bytes: int | None = None, *, blocks: bool = False) -> str:
    """Return what a running step reports: bar, place, time left, loss with its curve, speed, memory."""
    parts: list[str] = []
    if progress.share is not None:
        parts.append(f"{bar(progress.share)} {progress.share * 100:3.0f} %")
        parts.append(f"{progress.unit} {figure(progress.done)}/{figure(progress.total)}".strip())
    elif progress.phase:
        parts.append(progress.phase)
    # Before the figures: on a narrow screen the end of the line is cut, and this is what people look for.
    if progress.eta_seconds is not None and progress.share is not None and progress.share < 1:
        parts.append(f"{rough_duration(progress.eta_seconds)} left")
    return "  ".join([*parts, *_figures(progress, memory_bytes, blocks)])


def bar(share: float) -> str:
    """Return a bar of ten characters."""
    filled = round(share * _BAR_WIDTH)
    return "#" * filled + "-" * (_BAR_WIDTH - filled)


def curve(values: Sequence[float], *, blocks: bool) -> str:
    """Return a curve of at most eight characters; the lowest value is the lowest character."""
    marks = _BLOCKS if blocks else _ASCII
    finite = [value for value in values if value == value]
    if len(finite) < 2:
        return ""
    count = min(_CURVE_WIDTH, len(finite))
    edges = [round(index * len(finite) / count) for index in range(count + 1)]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    spread = (high - low) or 1.0
    return "".join(marks[min(len(marks) - 1, int((mean - low) / spread * len(marks)))] for mean in means)


def elapsed(step: RunStep) -> float | None:
    """Return the seconds that a step took; None before it has ended."""
    if step.start_time is None or step.end_time is None:
        return None
    return (step.end_time - step.start_time).total_seconds()


def short_artifact(step: RunStep) -> str:
    """Return the beginning of the artifact's digest, empty where there is none."""
    return f"sha256:{step.artifact.removeprefix('sha256:')[:8]}…" if step.artifact else ""


def _what(step: RunStep, progress: StepProgress, memory_bytes: int | None, blocks: bool) -> str:
    match step.state:
        case "running" | "cancelling":
            doing = now_doing(progress, memory_bytes, blocks=blocks)
            return doing or ("stopping" if step.state == "cancelling" else "starting")
        case "succeeded" | "reused":
            seconds = elapsed(step)
            took = "reused" if step.state == "reused" else (duration(seconds) if seconds is not None else "")
            return "   ".join(part for part in (took, step.address, short_artifact(step)) if part)
        case "failed" | "paused":
            return step.failure.message if step.failure else step.state
        case "waiting" | "retrying" if step.waiting is not None:
            return step.waiting.message
        case "skipped":
            return "not begun"
        case "cancelled":
            return "cancelled"
    return ""


def _figures(progress: StepProgress, memory_bytes: int | None, blocks: bool) -> list[str]:
    parts: list[str] = []
    values = progress.values
    if "loss" in values:
        parts.append(f"loss {figure(values['loss'])} {curve(list(progress.losses), blocks=blocks)}".rstrip())
    if "tokens_per_second" in values:
        parts.append(f"{values['tokens_per_second']:.0f} tok/s")
    if "learning_rate" in values:
        parts.append(f"lr {figure(values['learning_rate'])}")
    if "memory_bytes" in values:
        used = values["memory_bytes"]
        parts.append(share_of_size(used, memory_bytes) if memory_bytes else size(used))
    return parts
