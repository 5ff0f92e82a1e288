"""An event loop whose time is the simulated machine's: nothing waits, and a seed decides what comes first."""

import asyncio
import contextlib
import selectors
from collections.abc import Callable
from typing import Any

from harness.simulation.world import World


class _Instead(selectors.SelectSelector):
    """Lets the machine live on instead of waiting for files."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let simulated time pass; the machine may end the daemon meanwhile."""
        self._world.pass_time(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs a daemon in simulated time; its threads are calls that take a while and then happen at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        super().__init__(_Instead(world))

    def time(self) -> float:
        """Return the machine's monotonic seconds."""
        return self._world.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Call `func` after a while that the seed decides."""
        future = self.create_future()

        def call() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self.call_later(self._world.draw.uniform(0.0, 0.02), call)
        return future

    def abandon(self) -> None:
        """Forget what was going on, as a process does that is killed."""
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False
            with contextlib.suppress(RuntimeError):  # one that was running when the daemon died
                task.get_coro().close()
        self.set_exception_handler(lambda *_: None)
        self._ready.clear()
        self._scheduled.clear()
        self.close()
