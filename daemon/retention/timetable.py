"""Collect garbage when it is time, where the site's retention says how often."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.retention.collector import Collector, Sized
from tunewright.daemon.retention.reading import FILE_NAME
from tunewright.daemon.store.database import StorageBusyError, StorageFullError

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 30.0


def is_due(last: Milliseconds | None, every: Milliseconds, now: Milliseconds) -> bool:
    """Answer whether it is time again. A last time in the future was written before somebody turned the clock back."""
    return last is None or now - last >= every or now < last


@dataclass(slots=True, kw_only=True)
class Timetable:
    """Looks every half minute. A home without `retention.yaml` costs it a glance: no process is begun for it."""

    collector: Collector
    home: Home
    now: Callable[[], Milliseconds]
    _said: str = field(default="")

    async def keep(self) -> None:
        """Collect when it is due, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> bool:
        """Collect if it is due; answer whether it was done."""
        try:
            every = await self._every()
            if every is None or not is_due(self.collector.last_time(), every, self.now()):
                return False
            gone = await self.collector.collect_by_policy()
        except RefusedError as error:  # a backup is being made, or the file has a mistake: said once, tried again
            self._say(f"garbage is not collected: {error.message}")
            return False
        except (StorageFullError, StorageBusyError) as error:
            self._say(f"garbage is not collected: {error}")
            return False
        self._said = ""
        if gone:
            _log.info("collected %d things that nothing keeps, %d bytes: %s", *_summed(gone))
        return True

    async def _every(self) -> Milliseconds | None:
        if not _mentions_a_schedule(self.home.root / FILE_NAME):
            return None
        seconds = (await self.collector.retention()).every_seconds
        return None if seconds is None else int(seconds * 1000)

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            _log.warning("%s", sentence)
        self._said = sentence


def _mentions_a_schedule(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return b"every" in stream.read(2**16)
    except OSError:
        return False


def _summed(gone: list[Sized]) -> tuple[int, int, str]:
    kinds: dict[str, int] = {}
    for item in gone:
        kinds[item.garbage.kind] = kinds.get(item.garbage.kind, 0) + 1
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return len(gone), sum(item.size_bytes for item in gone), counted
