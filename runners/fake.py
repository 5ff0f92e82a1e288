"""A real runner whose work is a script in its parameters: `{"script": [{"emit": {...}}, {"sleep": 1}, {"exit": 0}]}`.

It tests everything around a runner, and shows in one screen how a runner is written. The acts are the functions below;
each entry of the script has exactly one of their names as key.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tunewright.runners.contract import ExitCode, StepFile
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, StepPausedError, main

_SLICE_SECONDS = 0.02

MANIFEST = Manifest(name="fake", version="1", kinds=("fake",), capabilities=("resume",))


class Stage(NamedTuple):
    """What an act may touch."""

    bundle: Path
    report: Reporter


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Play the script; cancellation is looked for between acts and while waiting."""
    stage = Stage(bundle, report)
    for entry in step.parameters.get("script", ()):
        (name, argument), *more = entry.items()
        if more or name not in ACTS:
            message = f"script entry {entry!r} is not one act of: {', '.join(ACTS)}"
            raise StepFailedError(message, reason="SCRIPT", code=ExitCode.IMPOSSIBLE)
        ACTS[name](stage, argument)
        report.check_cancelled()


def emit(stage: Stage, event: dict[str, Any]) -> None:
    """Append an event: its `kind` and fields."""
    stage.report.emit(**event)


def emit_raw(stage: Stage, text: str) -> None:
    """Append text to events.jsonl as it is: torn and broken lines."""
    with (stage.bundle / "events.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(text)


def say(_: Stage, text: str) -> None:
    """Print a line to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def sleep(stage: Stage, seconds: float) -> None:
    """Wait for so many seconds or for cancellation."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.report.check_cancelled()
        time.sleep(min(_SLICE_SECONDS, max(0.0, end - time.monotonic())))


def wait_for(stage: Stage, path: str) -> None:
    """Wait until a path (from the bundle) exists, or for cancellation."""
    while not (stage.bundle / path).exists():
        stage.report.check_cancelled()
        time.sleep(_SLICE_SECONDS)


def wait_for_pause(stage: Stage, _: Any) -> None:
    """Wait until a pause is wanted, write a checkpoint, and pause; with a checkpoint already there, go on."""
    checkpoint = stage.bundle / "work" / "checkpoints" / "checkpoint-7"
    if checkpoint.exists():
        return
    while not stage.report.pause_wanted():
        stage.report.check_cancelled()
        time.sleep(_SLICE_SECONDS)
    checkpoint.mkdir(parents=True)
    stage.report.emit("checkpoint", step=7, path="work/checkpoints/checkpoint-7", digest=f"sha256:{'7' * 64}")
    raise StepPausedError("somebody asked for it", reason="PAUSE_WANTED", checkpoint="checkpoint-7")


def pause(_: Stage, words: dict[str, str]) -> None:
    """Pause as a watchdog does: `reason`, `message`, `help`."""
    raise StepPausedError(words["message"], reason=words["reason"], help=words.get("help", ""))


def hang(_: Stage, seconds: float) -> None:
    """Wait without looking for cancellation."""
    time.sleep(seconds)


def write(stage: Stage, file: dict[str, str]) -> None:
    """Write `text` to `path` (from the bundle)."""
    path = stage.bundle / file["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file["text"], encoding="utf-8")


def link(stage: Stage, file: dict[str, str]) -> None:
    """Make a symbolic link at `path` (from the bundle) to `target`."""
    (stage.bundle / file["path"]).symlink_to(file["target"])


def fill(stage: Stage, file: dict[str, Any]) -> None:
    """Write `bytes` zeros to `path` (from the bundle), as a checkpoint would."""
    with (stage.bundle / file["path"]).open("wb") as stream:
        for _ in range(0, file["bytes"], 65536):
            stream.write(bytes(65536))


def fail(_: Stage, words: dict[str, str]) -> None:
    """Fail as a runner does: `reason`, `message`, `help`."""
    raise StepFailedError(words["message"], reason=words["reason"], help=words.get("help", ""))


def leave(_: Stage, code: int) -> None:
    """Exit with a code."""
    raise SystemExit(code)


def raise_signal(_: Stage, number: int) -> None:
    """Send ourselves a signal."""
    signal.raise_signal(number)


def ignore_term(_: Stage, ignored: bool) -> None:
    """Ignore SIGTERM, or heed it again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN if ignored else signal.SIG_DFL)


def spawn_orphan(stage: Stage, own_session: bool) -> None:
    """Leave a process behind, in a session of its own or not; its pid goes to work/orphan.pid."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=own_session)
    (stage.bundle / "work" / "orphan.pid").write_text(str(child.pid), encoding="ascii")


def flood(_: Stage, lines: int) -> None:
    """Print so many numbered lines to stdout."""
    block = 20_000
    for first in range(0, lines, block):
        text = "".join(f"line {number}\n" for number in range(first, min(lines, first + block)))
        sys.stdout.write(text)
    sys.stdout.flush()


def limit_memory(_: Stage, limit_bytes: int) -> None:
    """Bound our address space (RLIMIT_AS)."""
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def allocate(_: Stage, size_bytes: int) -> None:
    """Allocate and touch memory, and keep it until the end."""
    block = bytearray(size_bytes)
    block[:: os.sysconf("SC_PAGE_SIZE")] = b"\1" * len(range(0, size_bytes, os.sysconf("SC_PAGE_SIZE")))
    _kept.append(block)


_kept: list[bytearray] = []

ACTS: dict[str, Callable[[Stage, Any], None]] = {
    "emit": emit,
    "emit_raw": emit_raw,
    "say": say,
    "sleep": sleep,
    "wait_for": wait_for,
    "wait_for_pause": wait_for_pause,
    "pause": pause,
    "hang": hang,
    "write": write,
    "link": link,
    "fill": fill,
    "fail": fail,
    "exit": leave,
    "raise_signal": raise_signal,
    "ignore_term": ignore_term,
    "spawn_orphan": spawn_orphan,
    "flood": flood,
    "limit_memory": limit_memory,
    "allocate": allocate,
}

if __name__ == "__main__":
    main(manifest=MANIFEST, work=work)
