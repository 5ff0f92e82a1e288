"""Rows read as a stream are those that are held in memory, in the same order; memory does not grow with them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.runners.contract import Input
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.data import read_training_rows
from tunewright.runners.training.row_stream import RowStream
from tunewright.runners.training.settings import TrainSettings

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
MIB = 2**20

TOOLS = [{"type": "function", "function": {"name": "route", "parameters": {"type": "object", "properties": {}}}}]


class Quiet:
    """A reporter that nobody listens to."""

    def emit(self, _kind: str, **_: Any) -> None:
        pass

    def check_cancelled(self) -> None:
        pass


def write(path: Path, count: int, **more: Any) -> Path:
    rows = [{"prompt": f"{path.stem} {number}", "completion": "yes"} | more for number in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("mix", ["concat", "first_exhausted", "all_exhausted"])
@pytest.mark.parametrize("limit", [None, 7])
def test_stream_is_what_would_be_held(parameters: Any, tmp_path: Path, mix: str, limit: int | None) -> None:
    files = {"small": write(tmp_path / "small.jsonl", 11), "large": write(tmp_path / "large.jsonl", 40, tools=TOOLS)}
    data = {
        "small": {"format": "prompt_completion", "weight": 2.5, "limit": limit},
        "large": {"format": "prompt_completion", "weight": 0.5},
    }
    settings = TrainSettings.from_parameters({**parameters, "data": data, "mix": mix})
    inputs = {f"data.{name}": Input(path=str(path), digest="", role="data") for name, path in files.items()}

    held = read_training_rows(inputs, settings, Quiet())  # type: ignore[arg-type]
    stream = RowStream.survey(inputs, settings, Quiet())  # type: ignore[arg-type]

    assert list(stream) == held
    assert list(stream) == held, "asked again it begins again"
    assert len(stream) == len(held)
    assert [row.place for row in stream] == [row.place for row in held]  # type: ignore[attr-defined]
    assert all("tools" in row for row in held)


def test_rows_that_do_not_go_together_are_found_before_any_is_used(parameters: Any, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "a"}\n', encoding="utf-8")
    data = {"turns": {"format": "prompt_completion"}, "texts": {"format": "text"}}
    settings = TrainSettings.from_parameters({**parameters, "data": data})
    files = {"turns": write(tmp_path / "turns.jsonl", 2), "texts": texts}
    inputs = {f"data.{name}": Input(path=str(path), digest="", role="data") for name, path in files.items()}
    with pytest.raises(StepFailedError, match="mix plain text with conversations"):
        RowStream.survey(inputs, settings, Quiet())  # type: ignore[arg-type]


@pytest.mark.train
def test_memory_does_not_grow_with_the_rows(bench: Any, tiny_folder: Path, parameters: Any, tmp_path: Path) -> None:
    """The larger file's rows would take some 20 MiB more as objects; both fill whole batches."""
    text = "open ticket number 7: team billing, priority high. " * 40
    peaks = {}
    for name, count in (("few", 1500), ("many", 9000)):
        path = tmp_path / f"{name}.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps({"text": f"{number} {text}"}) + "\n" for number in range(count))
        changes = {"data": {"rows": {"format": "text"}}, "loss_on": "all", "max_length": 128}
        inputs = {"model": tiny_folder, "data.rows": path}
        bundle = bench.bundle(name, "prepare.tokens", inputs, {**parameters, **changes})
        peaks[name] = peak_of(bench.python, bundle)
        report = json.loads((bundle / "outputs" / "report.json").read_text())
        assert report["train"]["rows"] == count

    assert (tmp_path / "many.jsonl").stat().st_size > 15 * MIB
    assert peaks["many"] - peaks["few"] < 10 * MIB, peaks


def peak_of(python: str, bundle: Path) -> int:
    """Run the step and return the largest resident memory of its process in bytes."""
    command = [python, "-P", "-m", "tunewright.runners.prepare_tokens", "run", str(bundle)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGE_ROOT, "TUNEWRIGHT_BUNDLE": str(bundle)}
    process = subprocess.Popen(command, env=environment, cwd=bundle / "work", stderr=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (bundle / "events.jsonl").read_text()[-2000:]
    return used.ru_maxrss * 1024
