"""Ctrl-C on a run that belongs to this terminal: the first cancels and waits, the second stops at once and leaves."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from tunewright.client.cli import exits
from tunewright.client.cli.display import display_for
from tunewright.client.cli.follow import finish, follow
from tunewright.client.cli.screen import remark
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.values import Run

if TYPE_CHECKING:
    from tunewright.client.api import Client

_CANCELLING = "cancelling: waiting for the runner to save and end; Ctrl-C again stops it at once"


class Interrupts:
    """Counts Ctrl-C. Until a run is at stake it interrupts as ever; then the first one cancels, the second interrupts.

    The first is not an exception: following goes on undisturbed and shows how the run ends.
    """

    def __init__(self) -> None:
        self.presses = 0
        self._at_stake = False
        self._cancel: Callable[[], None] | None = None
        self._before: Any = None

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Remember a Ctrl-C while a run is being created: once the call is through it must not be forgotten."""
        self._at_stake = True
        try:
            yield
        except BaseException:
            self._at_stake = False
            raise

    def cancels(self, cancel: Callable[[], None]) -> None:
        """Say what the first Ctrl-C does, also when it came before."""
        self._at_stake, self._cancel = True, cancel
        if self.presses:
            self._begin()

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.presses += 1
        if self.presses > 1 or not self._at_stake:
            signal.default_int_handler(number, frame)
        self._begin()

    def _begin(self) -> None:
        # A handler runs in the middle of anything, even of a call to the daemon: the work is another thread's.
        if self._cancel is not None:
            threading.Thread(target=self._cancel, daemon=True).start()


def follow_or_cancel(
    client: "Client",
    run: Run,
    plan: Mapping[str, Any],
    interrupts: Interrupts,
    *,
    as_json: bool,
    told: RunProgress | None = None,
) -> int:
    """Follow a run to its end and show it; return the exit code. `told` is what it had reported before."""
    progress = told or RunProgress()
    display = None if as_json else display_for(plan)

    def cancel() -> None:
        client.cancel(run.id, mode="graceful", reason="Ctrl-C")
        if display is not None:
            display.say(_CANCELLING)

    interrupts.cancels(cancel)
    try:
        if display is None:
            ended = follow(client, run, progress, None)
        else:
            with display:
                ended = follow(client, run, progress, display)
    except KeyboardInterrupt:
        client.cancel(run.id, mode="now", reason="Ctrl-C twice")
        remark(f"run {run.id} is being stopped at once; see `tunewright watch {run.id}`")
        return exits.INTERRUPTED
    return finish(client, ended, plan, progress, as_json=as_json)
