"""What a project has had of the machine lately: use that counts half after a day. Pure."""

import math
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds

HALF_LIFE_MILLISECONDS = 24 * 3600 * 1000
_RATE = math.log(2) / HALF_LIFE_MILLISECONDS


@dataclass(frozen=True, slots=True)
class Use:
    """Unit-seconds (a unit is a device or a CPU slot) as they counted at a moment."""

    unit_seconds: float
    time: Milliseconds

    def at(self, now: Milliseconds) -> float:
        """Return what it counts now; a clock that was turned back makes nothing more of it."""
        return self.unit_seconds * math.exp(-_RATE * max(0, now - self.time))


def used(units: int, start: Milliseconds, now: Milliseconds) -> float:
    """Return the unit-seconds of what was held from `start` until now, as they count now.

    The integral of the decaying weight: a minute long it is `units` times 60, however long at most `units` times 1.44
    days.
    """
    return units * -math.expm1(-_RATE * max(0, now - start)) / _RATE / 1000
