"""A line on the terminal while a large data file is read; it goes away when the file is done."""

import os
import sys
import time

from tunewright.client.cli.screen import is_terminal, redraw
from tunewright.compiler.render.quantities import share_of_size

#: Files that are read faster than this show nothing.
_PATIENCE_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
_WIDTH = 24


class ReadingBar:
    """Draws `rows.jsonl  [#######-----]  0.3/1.0 GB  31%` on standard error, at most ten times a second.

    Nothing is drawn where nobody looks.
    """

    def __init__(self) -> None:
        self._file = ""
        self._seen = 0
        self._wanted = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        self._started = self._drawn = 0.0

    def __call__(self, written: str, done: int, whole: int) -> None:
        """Draw how far a file is, once it has taken a while; clear the line at its end."""
        now = time.monotonic()
        if written != self._file or done < self._seen:
            self._file, self._started, self._drawn = written, now, 0.0
        self._seen = done
        if done >= whole:
            self.clear()
        elif self._wanted and now - self._started >= _PATIENCE_SECONDS and now - self._drawn >= _PAUSE_SECONDS:
            self._drawn = now
            filled = _WIDTH * done // whole
            bar = "#" * filled + "-" * (_WIDTH - filled)
            redraw(f"reading {written}  [{bar}]  {share_of_size(done, whole)}  {done / whole:.0%}")

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            redraw("")
        self._file, self._drawn = "", 0.0
