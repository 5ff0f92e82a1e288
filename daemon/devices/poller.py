"""Look at the devices from a thread of its own: a driver that hangs holds up that thread and nothing else."""

import asyncio

from tunewright.daemon.devices.device import Inventory, InventoryError, Reading
from tunewright.daemon.own_thread import ask_in_own_thread

_TIMEOUT_SECONDS = 10.0


class Poller:
    """Asks one inventory, one question at a time. Belongs to the event loop's thread."""

    def __init__(self, inventory: Inventory, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._inventory = inventory
        self._timeout = timeout_seconds
        self._pending: asyncio.Future[tuple[Reading, ...]] | None = None

    async def look(self) -> tuple[Reading, ...]:
        """Return all devices as they are now; raise InventoryError when they can't be told within the time.

        A question that was not answered stays open: its answer counts, whenever it comes, and no second is asked.
        """
        if self._pending is None:
            self._pending = ask_in_own_thread(self._read, "devices")
        question = self._pending
        try:
            answer = await asyncio.wait_for(asyncio.shield(question), self._timeout)
        except TimeoutError:
            if not question.done():
                raise InventoryError(f"the driver has not answered for {self._timeout:g} s") from None
            raise
        finally:
            if question.done():
                self._pending = None
        return answer

    def _read(self) -> tuple[Reading, ...]:
        try:
            return self._inventory.read()
        except InventoryError:
            raise
        except Exception as error:
            raise InventoryError(f"{error!r}") from error
