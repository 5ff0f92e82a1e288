"""The tasks that go on for as long as the daemon: one that fails is said to have failed, and begins again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tunewright.daemon.store.database import StorageBusyError, StorageFullError

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 5.0


class Keepers:
    """Nobody waits for these tasks, so nobody would see one die: a device that is never looked at, a revoked credential
    whose streams stay open.
    """

    def __init__(self, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._pause_seconds = pause_seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Call `work` now, and again after a pause whenever it fails; where it returns it is done."""
        self._tasks.append(asyncio.create_task(self._keep(name, work), name=name))

    def cancel(self) -> None:
        """Ask all to end."""
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until all have."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except (StorageFullError, StorageBusyError) as error:
                _log.warning("%s: %s; trying again in %g s", name, error, self._pause_seconds)
            except Exception:
                _log.exception("%s failed; beginning again in %g s", name, self._pause_seconds)
            await asyncio.sleep(self._pause_seconds)
