"""Look at the devices from a thread of its own: a driver that hangs holds up that thread and nothing else."""

import asyncio
import contextlib
import threading

from tunewright.daemon.devices.device import Inventory, InventoryError, Reading

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
            self._pending = self._ask()
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

    def _ask(self) -> "asyncio.Future[tuple[Reading, ...]]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Reading, ...]] = loop.create_future()

        def resolve(answer: tuple[Reading, ...] | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(answer or ())
            else:
                future.set_exception(error)

        def work() -> None:
            answer, error = None, None
            try:
                answer = self._inventory.read()
            except Exception as caught:
                error = caught if isinstance(caught, InventoryError) else InventoryError(f"{caught!r}")
            with contextlib.suppress(RuntimeError):  # the daemon has ended meanwhile
                loop.call_soon_threadsafe(resolve, answer, error)

        # A thread of a pool would be waited for when the daemon ends; this one is left behind.
        threading.Thread(target=work, name="devices", daemon=True).start()
        return future
