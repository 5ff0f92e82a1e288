"""Where time and names come from: parameters of everything that decides."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

Milliseconds = int
"""Since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time for records, and fresh words for names."""

    now: Callable[[], Milliseconds]
    word: Callable[[], str]

    def new_run_id(self) -> str:
        """Return a run id: sortable by time to the second, short enough to read aloud."""
        moment = datetime.fromtimestamp(self.now() / 1000, tz=UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{self.word()}"


def system_clock() -> Clock:
    """Return the machine's clock with random words."""
    return Clock(now=lambda: time.time_ns() // 1_000_000, word=lambda: secrets.token_hex(2))


def parse_time(text: str, otherwise: Milliseconds) -> Milliseconds:
    """Return an ISO time as milliseconds, `otherwise` where the text is no time."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return otherwise
