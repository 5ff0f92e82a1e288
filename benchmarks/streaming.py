"""Measure the memory of making tokens and of training on them, by the size of the training data.

    PYTHONPATH=src python -P benchmarks/streaming.py [--megabytes 30 300]

Each size is a whole run of `tunewright run` (tokens ahead, then two steps of a tiny model) in a home of its own; the
peaks are those that the supervisor saw of all processes of a step. Needs the `train` environment.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tunewright

ROOT = Path(__file__).parents[1]
MIB = 2**20
SPEC = """\
api_version: tunewright/v1
name: streaming
base: {model: "dir:model"}
data: {rows: {source: "file:rows.jsonl", format: text}}
steps:
  sft: {train: {method: sft, data: rows, max_steps: 2, max_length: 256, precision: fp32, tokenize: ahead}}
"""
TEXT = "open ticket number 7: team billing, priority high. " * 40


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[30, 300])
    sizes = parser.parse_args().megabytes
    print(f"{'rows.jsonl':>12}  {'rows':>9}  {'tokens: peak':>13}  {'time':>7}  {'training: peak':>15}  {'time':>7}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows, peaks = measure(Path(folder), size)
        (tokens, tokens_seconds), (train, train_seconds) = peaks["tokens-sft"], peaks["sft"]
        print(
            f"{size:>9} MB  {rows:>9,}  {tokens / MIB:>9.0f} MiB  {tokens_seconds:>5.0f} s"
            f"  {train / MIB:>11.0f} MiB  {train_seconds:>5.0f} s"
        )


def measure(folder: Path, megabytes: int) -> tuple[int, dict[str, tuple[int, float]]]:
    """Return the number of rows, and of each step its peak memory in bytes and its seconds."""
    model = [interpreter(), "-P", str(ROOT / "tests" / "runners" / "tiny_model.py"), str(folder / "model")]
    subprocess.run(model, check=True, capture_output=True)
    rows = 0
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as stream:
        while stream.tell() < megabytes * 10**6:
            for _ in range(100):
                stream.write(json.dumps({"text": f"{rows} {TEXT}"}) + "\n")
                rows += 1
    (folder / "life.yaml").write_text(SPEC, encoding="utf-8")
    environment = {**os.environ, "TUNEWRIGHT_HOME": str(folder / "home")}
    command = [sys.executable, "-P", "-m", "tunewright"]
    done = subprocess.run([*command, "run", "life.yaml"], cwd=folder, env=environment, capture_output=True, text=True)
    subprocess.run([*command, "stop", "--daemon"], cwd=folder, env=environment, capture_output=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    ends = [(json.loads(path.read_text()), path.parent) for path in (folder / "home").rglob("exit.json")]
    steps = {json.loads((bundle / "step.json").read_text())["step"]: end for end, bundle in ends}
    return rows, {name: (end["peak_memory_bytes"], end["seconds"]) for name, end in steps.items()}


def interpreter() -> str:
    """Return the interpreter of the `train` environment."""
    from tunewright.daemon.home import cache_folder
    from tunewright.runners.environments import interpreter as find

    if (found := find("train", cache_folder() / "environments")) is None:
        sys.exit(f"tunewright {tunewright.__version__}: make the environment first: tunewright env sync train")
    return str(found)


if __name__ == "__main__":
    main()
