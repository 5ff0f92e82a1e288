"""Measure `tunewright check`: cold processes over specs of several sizes, warm as the language server does it, and
others' time to the same mistakes where they are installed.

    PYTHONPATH=src python -P benchmarks/check.py [--runs 15] [--peer NAME=COMMAND ... --model DIR]

Peers are looked for on the PATH (`swift`, `llamafactory-cli`); `--peer llamafactory-cli=/venv/bin/llamafactory-cli`
names one elsewhere; they want the folder of a real model (`--model`) before they look at the data.

Wall times of a busy machine say little, so what is judged is the processor time of each process, user and system; the
last column compares with a bare `python -c pass` of the same run, which is as slow as the machine. A first run that is
not counted leaves the compiled Python behind, as an installation does.
"""

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tunewright.client.cli.specs import world
from tunewright.client.lsp.diagnostics import diagnostics
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.compiler.front import compile_text
from tunewright.spec.garbage import expect_little_garbage

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
#: Two mistakes that people make: an option that there is not, a data set that there is not.
_MISTAKES = {"a misspelt option": ("learning_rate", "learning_rat"), "a misspelt data set": ("data: rows", "data: row")}
_SWIFT = ("sft", "--model", "model", "--dataset")
#: What the same mistakes look like elsewhere; each must end before anything is trained.
_PEERS: dict[str, dict[str, tuple[str, ...]]] = {
    "swift": {
        "a misspelt option": (*_SWIFT, "rows.jsonl", "--learning_rat", "1e-4"),
        "a misspelt data set": (*_SWIFT, "row.jsonl", "--learning_rate", "1e-4"),
    },
    "llamafactory-cli": {
        "a misspelt option": ("train", "peer-option.yaml"),
        "a misspelt data set": ("train", "peer-data.yaml"),
    },
}
_PEER_SPEC = """stage: sft
do_train: true
finetuning_type: lora
model_name_or_path: model
dataset_dir: .
template: default
output_dir: out
"""
_PEER_FILES = {
    "peer-option.yaml": _PEER_SPEC + "dataset: rows\nlearning_rat: 1.0e-4\n",
    "peer-data.yaml": _PEER_SPEC + "dataset: row\nlearning_rate: 1.0e-4\n",
    "dataset_info.json": '{"rows": {"file_name": "rows.jsonl", "formatting": "sharegpt"}}\n',
}
_PATIENCE_SECONDS = 300


class Timing(NamedTuple):
    """Seconds on the wall and on the processor."""

    wall: float
    processor: float


class Table:
    """Prints a row for each thing that was measured; the first is what the others are compared with."""

    def __init__(self) -> None:
        print(f"{'milliseconds of processor time':<52} {'median':>8} {'min':>8} {'wall':>8} {'x bare':>8}")
        self._bare = 0.0

    def add(self, what: str, timings: Sequence[Timing]) -> None:
        """Print a row: median and least of the processor time, median of the wall time, median over the first row's."""
        median = statistics.median(item.processor for item in timings)
        least, wall = min(item.processor for item in timings), statistics.median(item.wall for item in timings)
        self._bare = self._bare or median
        figures = (1000 * median, 1000 * least, 1000 * wall, median / self._bare)
        print(f"{what:<52} " + " ".join(f"{figure:8.1f}" for figure in figures), flush=True)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description="Measure `tunewright check`.")
    arguments.add_argument("--runs", type=int, default=15)
    arguments.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    arguments.add_argument("--model", type=Path)
    given = arguments.parse_args()
    expect_little_garbage()
    named = dict(item.partition("=")[::2] for item in given.peer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        if given.model is not None:
            (folder / "model").symlink_to(given.model.absolute(), target_is_directory=True)
        time.sleep(0.1)  # facts of a file that changed this moment are not remembered
        table = Table()
        table.add("python -c pass", repeated(lambda: timed((sys.executable, "-c", "pass"), folder)[1], given.runs))
        measure_checks(table, folder, given.runs)
        measure_server(table, folder, given.runs)
        for mistake in _MISTAKES:
            check_it = repeated(lambda: check(folder, f"{mistake}.yaml", fails=True), given.runs)  # noqa: B023
            table.add(f"cold, {mistake}", check_it)
        for peer, mistakes in _PEERS.items():
            measure_peer(table, folder, named.get(peer, peer), mistakes, max(1, given.runs // 5))


def write_files(folder: Path) -> None:
    """Write the specs, what they name, and what the peers read."""
    (folder / "rows.jsonl").write_text(_ROW * 64, encoding="utf-8")
    for lines in (300, 5000):
        (folder / f"{lines}.yaml").write_text(spec_text(lines), encoding="utf-8")
    for mistake, (right, wrong) in _MISTAKES.items():
        (folder / f"{mistake}.yaml").write_text(spec_text(300).replace(right, wrong, 1), encoding="utf-8")
    (folder / "garbage.yaml").write_bytes(bytes(range(256)) * (_GARBAGE_BYTES // 256))
    for name, text in _PEER_FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def measure_checks(table: Table, folder: Path, runs: int) -> None:
    """Measure whole processes, and compilations in a process that is warm."""
    for lines in (300, 5000):
        table.add(f"cold, {lines} lines", repeated(lambda: check(folder, f"{lines}.yaml"), runs))  # noqa: B023
        table.add(f"warm, {lines} lines, with the plan", repeated(lambda: whole(folder, lines), runs))  # noqa: B023
    table.add("cold, 10 MB of garbage", repeated(lambda: check(folder, "garbage.yaml", fails=True), runs))


def measure_server(table: Table, folder: Path, runs: int) -> None:
    """Measure what the language server does between a keystroke in a spec of 300 lines and the findings."""
    text = spec_text(300)
    snapshot = Snapshot(uri=(folder / "life.yaml").as_uri(), text=text)

    def keystroke(number: int) -> Timing:
        changed = snapshot.with_text(text.replace("rank: 16", f"rank: {number}", 1), number)
        return in_process(lambda: diagnostics(changed.checked(**world())))

    numbers = iter(range(1, runs + 2))
    table.add("language server, 300 lines, one value changed", repeated(lambda: keystroke(next(numbers)), runs))


def measure_peer(table: Table, folder: Path, command: str, mistakes: Mapping[str, tuple[str, ...]], runs: int) -> None:
    """Measure how long others take to refuse the same mistakes."""
    start = shlex.split(command)
    if shutil.which(start[0]) is None:
        print(f"{Path(start[0]).name} is not installed here")
        return
    for mistake, words in mistakes.items():
        what = f"{Path(start[0]).name}, {mistake}"
        code, last_words = said((*start, *words), folder)
        table.add(what, [timed((*start, *words), folder)[1] for _ in range(runs)])
        print(f"    ended with {code}: {last_words}")


def spec_text(lines: int) -> str:
    """Return a spec of about so many lines."""
    head, step = _HEAD.count("\n"), _STEP.count("\n")
    return _HEAD + "".join(_STEP.format(number=number) for number in range(max(1, (lines - head) // step)))


def repeated(measure: Callable[[], Timing], runs: int) -> list[Timing]:
    """Return the timings of so many runs after one that fills the caches."""
    measure()
    return [measure() for _ in range(runs)]


def check(folder: Path, spec: str, *, fails: bool = False) -> Timing:
    """Run `tunewright check` in a process of its own."""
    code, timing = timed((sys.executable, "-P", "-m", "tunewright", "check", spec), folder)
    if (code != 0) is not fails:
        raise SystemExit(f"check of {spec} ended with {code}")
    return timing


def timed(command: Sequence[str], folder: Path) -> tuple[int, Timing]:
    """Run a command in a folder, its output thrown away; return its exit code and how long it took."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = _run(command, folder)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, Timing(wall, spent)


def said(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a command; return its exit code and the last line that it wrote to standard error."""
    done = _run(command, folder)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return done.returncode, lines[-1][:160] if lines else ""


def _run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[bytes]":
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    environment = {**kept, **quiet, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=_PATIENCE_SECONDS, check=False
    )


def whole(folder: Path, lines: int) -> Timing:
    """Compile with everything imported and every fact remembered, down to the sealed plan."""
    text, given = spec_text(lines), world()
    return in_process(lambda: compile_text(text, name="life.yaml", base_directory=folder, **given))


def in_process(work: Callable[[], object]) -> Timing:
    """Do something in this process."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - processor)


if __name__ == "__main__":
    main()
