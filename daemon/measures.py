"""What happens inside the daemon, told to whoever counts it. Nobody does unless metrics are asked for."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class CallClock:
    """One call that is being answered; `code` is the name of the status it ends with."""

    code: str = "OK"


class Measures:
    """Counts nothing; `metrics/instruments.py` has the one that does. Methods may be called from any thread."""

    @contextmanager
    def call(self, method: str, *, streaming: bool = False) -> Iterator[CallClock]:
        """Tell of a call when it has ended; a streaming one also that it is open."""
        clock, begun = CallClock(), time.perf_counter()
        self.stream_opened(method, 1 if streaming else 0)
        try:
            yield clock
        except asyncio.CancelledError:
            clock.code = "CANCELLED"
            raise
        finally:
            self.stream_opened(method, -1 if streaming else 0)
            self.call_ended(method, clock.code, None if streaming else time.perf_counter() - begun)

    def call_ended(self, method: str, code: str, seconds: float | None) -> None:
        """A call of `package.Service/Method` has ended; how long a stream was open says nothing, so it has none."""

    def stream_opened(self, method: str, change: int) -> None:
        """So many streams more (or fewer) are open."""

    def denied(self, reason: str) -> None:
        """A caller was kept out."""

    def committed(self, operations: int, seconds: float) -> None:
        """A transaction with so many operations has become durable."""

    def step_ended(self, kind: str, state: str, seconds: float) -> None:
        """A step has ended that had begun."""


NO_MEASURES = Measures()
