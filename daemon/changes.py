"""One bell for everybody who follows the store: rung after every commit, and for the last time when the daemon goes
away.
"""

import asyncio
from collections.abc import Callable

from tunewright.daemon.followers import Followers


class Changes:
    """Tells followers that something was committed. Take `next()`, read, then wait for it: nothing is missed."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hearing: list[Callable[[], None]] = []
        self.draining = False
        self.followers = Followers()

    def heard_by(self, callback: Callable[[], None]) -> None:
        """Call `callback` at every commit, for as long as the daemon lives."""
        self._hearing.append(callback)

    def next(self) -> asyncio.Future[None]:
        """Return what is done at the next commit."""
        return self._next

    def ring(self) -> None:
        """Wake everybody."""
        self._next.set_result(None)
        self._next = asyncio.get_running_loop().create_future()
        for callback in self._hearing:
            callback()

    def drain(self) -> None:
        """Wake everybody to say that the daemon goes away."""
        self.draining = True
        self.ring()

    @staticmethod
    async def rung(change: "asyncio.Future[None]", seconds: float) -> bool:
        """Wait for a change at most so long; answer whether it came."""
        await asyncio.wait((change,), timeout=seconds)
        return change.done()
