"""Measure `tunewright check`: cold processes over specs of several sizes, warm in one process, and others' time to the
same mistake where they are installed (`swift`, `llamafactory-cli` on the PATH).

    PYTHONPATH=src python -P benchmarks/check.py [--runs 9]

Wall times of a busy machine say little: the processor time of each process is shown beside them, medians of all.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tunewright.client.cli.specs import world
from tunewright.compiler.front import compile_text

_HEAD = """api_version: tunewright/v1
name: benchmark
base:
  model: hf://Qwen/Qwen2.5-0.5B-Instruct
data:
  rows:
    source: "file:rows.jsonl"
    format: messages
resources:
  accelerator: a100-80gb
  count: 8
steps:
"""
_STEP = """  step_{number}:
    train:
      method: sft
      data: rows
      tuner:
        type: lora
        rank: 16
        alpha: 32
      learning_rate: 2.0e-4
      num_train_epochs: 3
      per_device_train_batch_size: 4
      max_length: 1024
"""
_ROW = '{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]}\n'
_GARBAGE_BYTES = 10 * 2**20
#: What the same mistake, a misspelt option, looks like elsewhere; each must end before anything is trained.
_PEERS: dict[str, tuple[str, ...]] = {
    "swift": ("swift", "sft", "--model", "model", "--dataset", "rows.jsonl", "--learning_rat", "1e-4"),
    "llamafactory-cli": ("llamafactory-cli", "train", "peer.yaml"),
}
_PEER_SPEC = (
    "stage: sft\ndo_train: true\nmodel_name_or_path: model\ndataset: rows\noutput_dir: out\nlearning_rat: 1e-4\n"
)
_PEER_PATIENCE_SECONDS = 300


class Timing(NamedTuple):
    """Seconds of one process: on the wall, on the processor."""

    wall: float
    processor: float


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description="Measure `tunewright check`.")
    arguments.add_argument("--runs", type=int, default=9)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text(_ROW * 64, encoding="utf-8")
        (folder / "peer.yaml").write_text(_PEER_SPEC, encoding="utf-8")
        (folder / "mistake.yaml").write_text(spec_text(300).replace("learning_rate", "learning_rat", 1), "utf-8")
        (folder / "garbage.yaml").write_bytes(bytes(range(256)) * (_GARBAGE_BYTES // 256))
        time.sleep(0.1)  # facts of a file that changed this moment are not remembered
        for lines in (300, 5000):
            (folder / f"{lines}.yaml").write_text(spec_text(lines), encoding="utf-8")
            report(f"cold, {lines} lines", repeated(lambda: check(folder, f"{lines}.yaml"), runs))  # noqa: B023
            warm = repeated(lambda: in_process(folder, lines), runs)  # noqa: B023
            report(f"warm, {lines} lines", warm)
        report("cold, 10 MB of garbage", repeated(lambda: check(folder, "garbage.yaml", fails=True), runs))
        own = report("cold, a misspelt option", repeated(lambda: check(folder, "mistake.yaml", fails=True), runs))
        compare(folder, own, max(1, runs // 3))


def spec_text(lines: int) -> str:
    """Return a spec of about so many lines."""
    head, step = _HEAD.count("\n"), _STEP.count("\n")
    return _HEAD + "".join(_STEP.format(number=number) for number in range(max(1, (lines - head) // step)))


def repeated(measure: Callable[[], Timing], runs: int) -> list[Timing]:
    """Return the timings of so many runs after one that fills the caches."""
    measure()
    return [measure() for _ in range(runs)]


def report(what: str, timings: Sequence[Timing]) -> float:
    """Print the medians and return the one of wall time."""
    wall = statistics.median(item.wall for item in timings)
    processor = statistics.median(item.processor for item in timings)
    best = min(item.processor for item in timings)
    print(f"{what:<32} {1000 * wall:8.0f} ms wall {1000 * processor:8.0f} ms processor (best {1000 * best:.0f})")
    return wall


def check(folder: Path, spec: str, *, fails: bool = False) -> Timing:
    """Run `tunewright check` in a process of its own."""
    code, timing = timed((sys.executable, "-P", "-m", "tunewright", "check", spec), folder)
    if (code != 0) is not fails:
        raise SystemExit(f"check of {spec} ended with {code}")
    return timing


def timed(command: Sequence[str], folder: Path) -> tuple[int, Timing]:
    """Run a command in a folder, its output thrown away; return its exit code and how long it took."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        command, cwd=folder, env=quiet, capture_output=True, timeout=_PEER_PATIENCE_SECONDS, check=False
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, Timing(wall, spent)


def in_process(folder: Path, lines: int) -> Timing:
    """Compile as the language server does, everything imported and every fact remembered."""
    text = spec_text(lines)
    given = world()
    wall, processor = time.perf_counter(), time.process_time()
    compilation = compile_text(text, name="life.yaml", base_directory=folder, **given)
    timing = Timing(time.perf_counter() - wall, time.process_time() - processor)
    if compilation.has_errors:
        raise SystemExit("the benchmark's spec has errors")
    return timing


def compare(folder: Path, own: float, runs: int) -> None:
    """Print how long others take to refuse the same mistake."""
    for name, command in _PEERS.items():
        if shutil.which(name) is None:
            print(f"{name:<32} is not installed here")
            continue
        timings = repeated(lambda: timed(command, folder)[1], runs)  # noqa: B023
        print(f"  {report(f'{name}, a misspelt option', timings) / own:.0f} times as long")


if __name__ == "__main__":
    main()
