"""End a daemon whose event loop hangs: runners go on without it, and the next daemon takes them up again."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Iterator

_log = logging.getLogger(__name__)

EXIT_HUNG = 70
_LOOKS = 4


class Watchdog:
    """A thread that counts looks at which the event loop had not moved since the last one.

    Looks are counted, not seconds: a daemon that was stopped as a whole (SIGSTOP, a laptop asleep) has missed nothing.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._pause = limit_seconds / _LOOKS
        self._beats = 0
        self._ended = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running event loop."""
        beating = asyncio.create_task(self._beat(), name="watchdog")
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._beats += 1
            await asyncio.sleep(self._pause / 2)

    def _look(self) -> None:
        seen, missed = self._beats, 0
        while not self._ended.wait(self._pause):
            missed = missed + 1 if self._beats == seen else 0
            seen = self._beats
            if missed == _LOOKS:
                _log.critical("the event loop has hung for %g s; stopping at once", self._pause * _LOOKS)
                faulthandler.dump_traceback(sys.__stderr__ or sys.stderr, all_threads=True)
                os._exit(EXIT_HUNG)
