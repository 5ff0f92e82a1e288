"""Streams that are open: looked at again and again, and ended when the caller may not have them any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tunewright.daemon.errors import RefusedError

_log = logging.getLogger(__name__)

#: Revoking a credential ends its streams within five seconds; this leaves time for a busy machine.
LOOK_SECONDS = 1.5


@dataclass(slots=True, eq=False)
class OpenStream:
    """One stream; `again` raises RefusedError when it would not be opened now, which is kept as `refusal`."""

    task: "asyncio.Task[None] | None"
    again: Callable[[], Awaitable[None]] | None
    refusal: RefusedError | None = None


@dataclass(slots=True)
class OpenStreams:
    """All of them."""

    _streams: set[OpenStream] = field(default_factory=set)

    @contextmanager
    def open(self, again: Callable[[], Awaitable[None]] | None) -> Iterator[OpenStream]:
        """Keep the stream of the current task; without `again` it may always go on."""
        stream = OpenStream(asyncio.current_task(), again)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    async def keep(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for stream in [stream for stream in self._streams if stream.again is not None]:
                await self._look(stream)

    async def _look(self, stream: OpenStream) -> None:
        if stream.again is None or stream.refusal is not None:
            return
        try:
            await stream.again()
        except RefusedError as error:
            if error.reason == "ISSUER_UNREACHABLE":
                return  # whoever was let in is not thrown out because somebody else does not answer
            stream.refusal = error
            if stream in self._streams and stream.task is not None:
                stream.task.cancel()
        except Exception:  # one that can't be asked about keeps nobody from looking at the others
            _log.exception("can't tell whether a stream may stay open; asking again")
