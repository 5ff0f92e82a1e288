"""From a spec that is submitted to the first instruction of its runner."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from control_plane.processes import daemon, wait_until
from control_plane.table import Row, milliseconds, percentile
from control_plane.world import make_world

RUNS = 40
_WARM_UP = 3
_FSYNCS = 5
_STAMP = 'date +%s%N > "$BUNDLE/work/began.part" && mv "$BUNDLE/work/began.part" "$BUNDLE/work/began"; exit 1'
#: What a supervisor is at the least: an isolated interpreter that becomes something else.
_SHORTEST = "import os, sys; os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])"


def measure(folder: Path) -> Iterator[Row]:
    """Measure runs one after another; the raw limit in turn with them."""
    world = make_world(folder, _STAMP)
    ours, raw = [], []
    with daemon(world) as running, running.client() as client:
        for number in range(_WARM_UP + RUNS):
            sent = time.time_ns()
            run = client.create_run(world.source(f"spec-{number}")).run.id
            began = _stamp(world.bundle(run) / "work" / "began") - sent
            wait_until(lambda run=run: client.get_run(run).run.ended)
            limit = _raw(folder / f"raw-{number}")
            if number >= _WARM_UP:
                ours.append(began / 1e9)
                raw.append(limit)
    for share, promise in ((0.5, 0.150), (0.95, 0.500)):
        took, limit = percentile(ours, share), percentile(raw, share)
        yield Row(
            what=f"submit to runner's first instruction, p{100 * share:.0f}",
            measured=milliseconds(took),
            raw=f"{milliseconds(limit)} ({_FSYNCS} fsyncs, python -I -S, sh)",
            ratio=took / limit,
            promised=f"<= {milliseconds(promise)}",
            kept=took <= promise,
        )


def _raw(folder: Path) -> float:
    """Return the seconds of what can't be left out: durable intent, an interpreter, the program."""
    (folder / "work").mkdir(parents=True)
    started = time.time_ns()
    descriptor = os.open(folder / "intent", os.O_WRONLY | os.O_CREAT)
    for _ in range(_FSYNCS):
        os.write(descriptor, bytes(4096))
        os.fsync(descriptor)
    os.close(descriptor)
    command = [sys.executable, "-I", "-S", "-c", _SHORTEST, _STAMP]
    subprocess.run(command, env={**os.environ, "BUNDLE": str(folder)})
    return (_stamp(folder / "work" / "began") - started) / 1e9


def _stamp(path: Path) -> int:
    wait_until(path.exists)
    return int(path.read_text(encoding="ascii"))
