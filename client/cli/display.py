"""What is on the screen while a run goes on: one live table on a terminal, timestamped lines everywhere else."""

import sys
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol

from tunewright.client.cli.screen import is_terminal, show, width
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.cli.view.steps import STATE_WORDS, now_doing, step_line
from tunewright.client.values import Run, RunEvent
from tunewright.compiler.render.plain import clean_line, shorten

_LINE_EVERY_SECONDS = 10.0
_FRAMES_PER_SECOND = 4


class Display(Protocol):
    """Shows a run as it goes on."""

    def __enter__(self) -> "Display": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, run: Run, progress: RunProgress, event: RunEvent | None) -> None:
        """Take a new state of the run; `event` is what changed it."""

    def say(self, text: str) -> None:
        """Show a sentence beside the steps."""


def display_for(plan: Mapping[str, Any]) -> Display:
    """Return the display that fits where output goes."""
    memory = {step["name"]: (step.get("estimate") or {}).get("memory_bytes") for step in plan.get("steps", ())}
    return LiveTable(memory) if is_terminal(sys.stdout) else Lines()


def table_text(run: Run, progress: RunProgress, memory: Mapping[str, int | None], *, columns: int, blocks: bool) -> str:
    """Return the live table: one line a step, a step's warnings below it, each line within the screen."""
    name_width = max((len(step.step) for step in run.steps), default=0)
    lines: list[str] = []
    for step in run.steps:
        own = progress.of(step.step)
        line = step_line(step, own, name_width=name_width, memory_bytes=memory.get(step.step), blocks=blocks)
        lines.append(shorten(line, columns))
        lines += [shorten(clean_line(f"        warning: {text}"), columns) for text in own.warnings]
    return "\n".join(lines)


class LiveTable:
    """A table that is drawn over itself."""

    def __init__(self, memory: Mapping[str, int | None]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._memory = memory
        self._blocks = "utf" in (sys.stdout.encoding or "").lower()
        self._text = ""
        self._said: list[str] = []
        console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=console, refresh_per_second=_FRAMES_PER_SECOND, get_renderable=self._frame, transient=True
        )

    def __enter__(self) -> "LiveTable":
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, run: Run, progress: RunProgress, event: RunEvent | None) -> None:
        """Take the table of this moment; it is drawn at the next frame."""
        del event
        self._text = table_text(run, progress, self._memory, columns=width(), blocks=self._blocks)

    def say(self, text: str) -> None:
        """Show a sentence below the table."""
        self._said.append(clean_line(text))

    def _frame(self) -> Any:
        from rich.text import Text

        return Text("\n".join([self._text, *self._said]), no_wrap=True)


class Lines:
    """A line when something happens, and now and then how far a step is."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._phases: dict[tuple[str, int], str] = {}
        self._warned: dict[tuple[str, int], int] = {}
        self._shown: dict[str, datetime] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, run: Run, progress: RunProgress, event: RunEvent | None) -> None:
        """Print what is new."""
        for line in self.news(run, progress, event):
            show(line)

    def say(self, text: str) -> None:
        """Print a sentence with the time."""
        show(f"{datetime.now().astimezone():%H:%M:%S}  {clean_line(text)}")

    def news(self, run: Run, progress: RunProgress, event: RunEvent | None) -> list[str]:
        """Return the lines that say what has changed since the last call."""
        time = event.time if event is not None else run.create_time
        stamp = f"{time.astimezone():%H:%M:%S}" if time else ""
        name_width = max((len(step.step) for step in run.steps), default=0)
        lines: list[str] = []
        for step in run.steps:
            if self._states.get(step.step, "waiting") != step.state:
                drawn = step_line(step, progress.of(step.step), name_width=name_width).strip()
                lines.append(
                    f"{stamp}  {drawn}" if step.state != "running" else f"{stamp}  {_running(step.step, name_width)}"
                )
            self._states[step.step] = step.state
        if event is None:
            self._take_as_told(progress)
        elif event.step:
            lines += [f"{stamp}  {text}" for text in self._own_news(event, progress, name_width)]
        return lines

    def _take_as_told(self, progress: RunProgress) -> None:
        """What a run had reported before it was looked at is no news."""
        for name, own in progress.steps.items():
            key = name, own.attempt
            self._warned[key], self._phases[key] = len(own.warnings), own.phase

    def _own_news(self, event: RunEvent, progress: RunProgress, name_width: int) -> list[str]:
        name, own = event.step, progress.of(event.step)
        key = name, own.attempt
        if event.kind == "step_waiting":
            return [clean_line(f"wait  {name:<{name_width}}  {event.body.get('message', '')}")]
        lines = [f"warn  {name:<{name_width}}  {text}" for text in own.warnings[self._warned.get(key, 0) :]]
        self._warned[key] = len(own.warnings)
        if own.phase and own.phase != self._phases.get(key) and own.share is None:
            lines.append(f"run   {name:<{name_width}}  {own.phase}")
        self._phases[key] = own.phase
        shown = self._shown.get(name)
        if own.share is not None and (shown is None or (event.time - shown).total_seconds() >= _LINE_EVERY_SECONDS):
            self._shown[name] = event.time
            lines.append(f"run   {name:<{name_width}}  {now_doing(own)}")
        return [clean_line(line) for line in lines]


def _running(name: str, name_width: int) -> str:
    return f"{STATE_WORDS['running']:<5} {name:<{name_width}}  started"
