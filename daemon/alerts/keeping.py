"""The task that looks after alerts as long as the daemon lives: raise, and send."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tunewright.daemon.alerts.delivering import Deliverer
from tunewright.daemon.alerts.raising import Raiser
from tunewright.daemon.changes import Changes
from tunewright.daemon.store.database import StorageBusyError, StorageFullError

_log = logging.getLogger(__name__)

#: So often it looks although nothing was committed: sends that are due, runs that wait too long.
_LOOK_SECONDS = 1.0
#: Events come in crowds: those of so long are decided about together.
_TOGETHER_SECONDS = 0.1
_AFTER_TROUBLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AlertKeeper:
    """Nobody waits for it: the engine only leaves triggers, and what fails here is tried again."""

    raiser: Raiser
    deliverer: Deliverer
    changes: Changes

    async def keep(self) -> None:
        """Look after alerts until cancelled."""
        try:
            while True:
                change = self.changes.next()
                await self._look()
                await self.changes.rung(change, _LOOK_SECONDS)
                await asyncio.sleep(_TOGETHER_SECONDS)
        finally:
            await self.deliverer.stop()

    async def _look(self) -> None:
        """What can't be decided keeps nothing from being sent that was raised before."""
        await self._tried(self.raiser.raise_all)
        await self._tried(self.deliverer.send_due)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (StorageFullError, StorageBusyError) as error:
            _log.warning("alerts wait: %s", error)
            await asyncio.sleep(_AFTER_TROUBLE_SECONDS)
        except Exception:
            _log.exception("alerts could not be looked after; trying again")
            await asyncio.sleep(_AFTER_TROUBLE_SECONDS)
