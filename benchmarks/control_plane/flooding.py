"""A runner that writes a million lines into its log: how fast they are taken, and what commits cost meanwhile."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from control_plane.processes import daemon, wait_until
from control_plane.table import Row
from control_plane.world import make_world

from tunewright.client.api import Client

LINES, LINE = 1_000_000, "step 1200 of 5000: loss 1.2345, 2345.6 tokens a second"
TURNS = 4
PROMISED_LINES, PROMISED_SHARE = 1_000_000, 0.8
_FLOOD = f"yes '{LINE}' | head -n {LINES}"
#: It begins when it is told to, so that its start is not part of what is measured, and ends when it is told to.
_RUNNER = f'cd "$BUNDLE/work"; until [ -e go ]; do sleep 0.02; done; {_FLOOD}; touch done; sleep 600'


def measure(folder: Path) -> Iterator[Row]:
    """Count commits of one client with and without the flood; raw is the same flood into a pipe that nobody keeps."""
    world = make_world(folder, _RUNNER)
    quiet, flooded, taken, raw = [], [], [], []
    with daemon(world) as running, running.client() as client:
        for turn in range(TURNS):
            run = client.create_run(world.source(f"flood-{turn}")).run.id
            work = world.bundle(run) / "work"
            wait_until(lambda run=run: client.get_run(run).run.steps[0].state == "running")
            enough = time.monotonic() + 1.0
            quiet.append(_commits(client, run, lambda enough=enough: time.monotonic() > enough))
            started = time.monotonic()
            (work / "go").touch()
            flooded.append(_commits(client, run, (work / "done").exists))
            taken.append(LINES / (time.monotonic() - started))
            client.cancel(run, mode="now")
            wait_until(lambda run=run: client.get_run(run).run.ended)
            raw.append(_raw())
    share = sum(flooded) / sum(quiet)
    yield Row(
        what="lines of a log taken, a flood of a million",
        measured=f"{max(taken):,.0f}/s",
        raw=f"{max(raw):,.0f}/s (into a pipe)",
        ratio=max(taken) / max(raw),
        promised=f">= {PROMISED_LINES:,}/s",
        kept=max(taken) >= PROMISED_LINES,
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


def _raw() -> float:
    """Return the lines a second of the flood when a process reads them and throws them away."""
    started = time.perf_counter()
    subprocess.run(["sh", "-c", f"{_FLOOD} | cat > /dev/null"], check=True)
    return LINES / (time.perf_counter() - started)
