"""A runner that writes a million lines a second into its log: are they taken, and what do commits cost meanwhile?"""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from control_plane.processes import cpu_seconds, daemon, end_runs, wait_until
from control_plane.table import Row
from control_plane.world import make_world

from tunewright.client.api import Client
from tunewright.daemon.supervise import Running, probe

PROMISED_LINES_PER_SECOND, SECONDS, TURNS = 1_000_000, 3, 3
#: A little more than is promised: a flood that is held up for a moment can still keep the promise.
FLOOD_PER_SECOND = 1_050_000
LINE_BYTES = 55
PROMISED_SHARE = 0.8
_FLOOD = Path(__file__).with_name("flooding_runner.py")


def measure(folder: Path) -> Iterator[Row]:
    """Count commits of one client with and without the flood; raw is the same flood into a pipe that nobody keeps."""
    command = [sys.executable, "-I", "-S", str(_FLOOD)]
    world = make_world(folder, f"exec {shlex.join(command)} {FLOOD_PER_SECOND} {SECONDS}")
    quiet, flooded, taken, busy = [], [], [], []
    with daemon(world) as running, running.client() as client:
        for turn in range(TURNS):
            run = client.create_run(world.source(f"flood-{turn}")).run.id
            bundle = world.bundle(run)
            wait_until(lambda run=run: client.get_run(run).run.steps[0].state == "running")
            enough = time.monotonic() + SECONDS
            quiet.append(_commits(client, run, lambda enough=enough: time.monotonic() > enough))
            supervisor = _supervisor(bundle)
            before = cpu_seconds(supervisor)
            (bundle / "work" / "go").touch()
            flooded.append(_commits(client, run, (bundle / "work" / "done").exists))
            took = float((bundle / "work" / "done").read_text(encoding="ascii"))
            taken.append(FLOOD_PER_SECOND * SECONDS / took)
            busy.append((cpu_seconds(supervisor) - before) / took)
            end_runs(client, [run])
    raw, share = _raw(), sum(flooded) / sum(quiet)
    lines = sum(taken) / TURNS
    yield Row(
        what="lines of a log taken",
        measured=f"{lines:,.0f}/s ({sum(busy) / TURNS:.0%} of a processor)",
        raw=f"{raw:,.0f}/s (into a pipe)",
        ratio=lines / raw,
        promised=f">= {PROMISED_LINES_PER_SECOND:,}/s",
        kept=lines >= PROMISED_LINES_PER_SECOND,
    )
    yield Row(
        what="commits of a client during that flood",
        measured=f"{sum(flooded) / TURNS:,.0f}/s",
        raw=f"{sum(quiet) / TURNS:,.0f}/s (without it)",
        ratio=share,
        promised=f">= {PROMISED_SHARE:.0%}",
        kept=share >= PROMISED_SHARE,
    )


def _commits(client: Client, run: str, enough: Callable[[], bool]) -> float:
    """Return commits a second of a client that holds a run and releases it, again and again."""
    count, started = 0, time.perf_counter()
    while not enough():
        client.hold(f"runs/{run}", reason="benchmark")
        client.release(f"runs/{run}", reason="benchmark")
        count += 2
    return count / (time.perf_counter() - started)


def _supervisor(bundle: Path) -> int:
    state = probe(bundle)
    if not isinstance(state, Running):
        raise LookupError(bundle)
    return state.pids[0]


def _raw() -> float:
    """Return the lines a second that go through a pipe when a process reads them and throws them away."""
    read, write = os.pipe()
    reader = os.posix_spawn("/bin/cat", ["cat"], os.environ, file_actions=_throwing_away(read, write))
    os.close(read)
    block, started, written = bytes(LINE_BYTES) * 50_000, time.perf_counter(), 0
    while time.perf_counter() - started < 1.0:
        written += os.write(write, block)
    seconds = time.perf_counter() - started
    os.close(write)
    os.waitpid(reader, 0)
    return written / LINE_BYTES / seconds


def _throwing_away(read: int, write: int) -> list[tuple[int, ...]]:
    null = os.open(os.devnull, os.O_WRONLY)
    return [(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_CLOSE, write)]
