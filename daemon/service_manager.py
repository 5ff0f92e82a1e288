"""Tell the service manager how the daemon is: systemd's notify protocol, one datagram a message, without a library."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

_STATUS_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceManager:
    """`address`: where it listens, None where nobody asked; `watchdog_seconds`: how long it waits for signs of life."""

    address: str | None = None
    watchdog_seconds: float | None = None

    def ready(self, status: str) -> None:
        """Say that callers are answered from now on."""
        self._tell("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the end has begun: what is left of the drain is no hang."""
        self._tell("STOPPING=1", "STATUS=ending; runners and services go on")

    async def keep(self, status: Callable[[], str]) -> None:
        """Give signs of life until cancelled. They come from the event loop: one that hangs gives none."""
        if self.address is None:
            return
        # Half of the time is what the protocol advises; a third leaves room for a busy machine.
        pause = min(_STATUS_SECONDS, (self.watchdog_seconds or _STATUS_SECONDS * 3) / 3)
        while True:
            self._tell(*(("WATCHDOG=1",) if self.watchdog_seconds else ()), f"STATUS={status()}")
            await asyncio.sleep(pause)

    def _tell(self, *words: str) -> None:
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A manager that is gone or does not read must not stop the daemon, not even for a moment.
        # Nor must descriptors that have run out: they come back.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto("\n".join(words).encode("utf-8"), address)


def take_service_manager(environment: MutableMapping[str, str], *, private: bool = False) -> ServiceManager:
    """Return the manager that an environment names, and take it out: what we start must not speak for us.

    A private daemon has none: it inherited the name from whatever service called it, and is not that service.
    """
    address = environment.pop("NOTIFY_SOCKET", "")
    microseconds, meant = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
    if private:
        return ServiceManager()
    watched = microseconds.isdecimal() and int(microseconds) > 0 and meant in ("", str(os.getpid()))
    return ServiceManager(
        address=address if address.startswith(("/", "@")) else None,
        watchdog_seconds=int(microseconds) / 1e6 if watched else None,
    )
