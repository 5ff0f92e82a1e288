"""From the start of a daemon's process to Health SERVING, with what years leave in its store."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from control_plane.processes import daemon
from control_plane.stored import full_house
from control_plane.table import Row, milliseconds
from control_plane.world import World

TURNS = 3
#: Runs that have ended, runs that are open, and the seconds that are promised.
STORES = ((900, 100, 1.0), (9000, 1000, 2.0))
_RAW = """
import sqlite3, sys
import grpc.aio
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA quick_check(1)").fetchone()
"""


def measure(folder: Path) -> Iterator[Row]:
    """Start on stores of two sizes."""
    for ended, open_, promised in STORES:
        with full_house(folder / str(ended), ended=ended, waiting=open_) as world:
            raw = min(_raw(world) for _ in range(TURNS))
            times = [_ready(world) for _ in range(TURNS)]
        took = sorted(times)[TURNS // 2]
        yield Row(
            what=f"ready after the start, {ended + open_:,} runs, {open_:,} of them waiting",
            measured=milliseconds(took),
            raw=f"{milliseconds(raw)} (Python, gRPC, quick_check)",
            ratio=took / raw,
            promised=f"<= {milliseconds(promised)}",
            kept=took <= promised,
        )


def _ready(world: World) -> float:
    with daemon(world) as running:
        return running.ready_seconds


def _raw(world: World) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", _RAW, str(world.home / "control.db")], check=True)
    return time.perf_counter() - started
