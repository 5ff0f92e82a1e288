"""Processor time of a daemon that waits: for nothing, and for one step while many runs wait for theirs."""

import time
from collections.abc import Iterator
from pathlib import Path

from control_plane.processes import Daemon, daemon
from control_plane.stored import full_house
from control_plane.table import Row
from control_plane.world import make_world

SECONDS, WAITING = 6.0, 1000
PROMISED_SHARE = 0.10
_SETTLE_SECONDS = 2.0


def measure(folder: Path) -> Iterator[Row]:
    """Look how much of a processor they use."""
    with daemon(make_world(folder / "empty", "exit 1")) as running:
        empty = _share(running)
    with full_house(folder / "full", ended=0, waiting=WAITING) as world, daemon(world) as running:
        full = _share(running)
    for what, share in (("nothing to do", empty), (f"a live step, {WAITING:,} runs waiting", full)):
        yield Row(
            what=f"processor of an idle daemon, {what}",
            measured=f"{share:.1%}",
            promised=f"<= {PROMISED_SHARE:.0%}",
            kept=share <= PROMISED_SHARE,
        )


def _share(running: Daemon) -> float:
    time.sleep(_SETTLE_SECONDS)
    before = running.cpu_seconds()
    time.sleep(SECONDS)
    return (running.cpu_seconds() - before) / SECONDS
