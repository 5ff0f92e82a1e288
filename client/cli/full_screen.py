"""A view that fills the terminal until somebody leaves it."""

import contextlib
import queue
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tunewright.client.cli.snapshots import Snapshots
from tunewright.client.cli.view.top import Snapshot, top_text
from tunewright.client.errors import ClientError, RefusedError

if TYPE_CHECKING:
    from tunewright.client.api import Client

_LEAVING = frozenset({"q", "Q", "\x1b"})
_TICK_SECONDS = 0.5
#: For so long an answer may take before that is said.
_PATIENCE_SECONDS = 3.0


def keep_showing(client: "Client", interval: float) -> None:
    """Show a daemon until q or Ctrl-C; one that goes away is waited for."""
    console = Console(highlight=False, markup=False, emoji=False)
    blocks = "utf" in (sys.stdout.encoding or "").lower()
    looking = _Looking(Snapshots(client), interval)
    with (
        _keys_at_once(),
        Live(console=console, screen=True, auto_refresh=False) as live,
        contextlib.suppress(KeyboardInterrupt),
    ):
        while True:
            size = console.size
            text = top_text(looking.newest(), columns=size.width, rows=size.height, blocks=blocks)
            live.update(_drawn(text), refresh=True)
            if _left_within(_TICK_SECONDS):
                return


class _Looking:
    """Looks in a thread: a daemon that does not answer keeps nobody from leaving."""

    def __init__(self, snapshots: Snapshots, interval: float) -> None:
        self._snapshots = snapshots
        self._interval = interval
        self._shown = snapshots.take()
        self._answers: queue.SimpleQueue[Snapshot | ClientError] = queue.SimpleQueue()
        self._asking = False
        self._since = time.monotonic()

    def newest(self) -> Snapshot:
        """Return what is known by now, and ask again when it is time."""
        with contextlib.suppress(queue.Empty):
            answer = self._answers.get_nowait()
            self._asking, self._since = False, time.monotonic()
            self._shown = self._noticed(answer) if isinstance(answer, ClientError) else answer
        passed = time.monotonic() - self._since
        if not self._asking and passed >= self._interval:
            self._asking, self._since = True, time.monotonic()
            threading.Thread(target=self._ask, daemon=True).start()
        elif self._asking and passed >= _PATIENCE_SECONDS:
            self._shown = self._noticed(None)
        return self._shown

    def _ask(self) -> None:
        try:
            self._answers.put(self._snapshots.take())
        except ClientError as error:
            self._answers.put(error)

    def _noticed(self, error: ClientError | None) -> Snapshot:
        what = error.message if isinstance(error, RefusedError) else "the daemon does not answer"
        return replace(self._shown, notice=f"{what}; this is how it was at {_clock(self._shown)}")


def _clock(snapshot: Snapshot) -> str:
    return f"{snapshot.time.astimezone():%H:%M:%S}"


def _drawn(text: str) -> Text:
    """Titles stand out, and so does what needs somebody."""
    drawn = Text(text, no_wrap=True, overflow="crop")
    drawn.highlight_regex(r"^[A-Z]+$", "bold")
    drawn.highlight_regex(r"(?<=  )(failed|quarantined|missing|foreign)(?=  )", "red")
    drawn.highlight_regex(r"#+(?=-* )", "green")
    return drawn


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Give keys without Return, where somebody can press them."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _left_within(seconds: float) -> bool:
    """Wait so long; answer whether somebody pressed a key that leaves."""
    if not sys.stdin.isatty():
        select.select([], [], [], seconds)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and sys.stdin.read(1) in _LEAVING
