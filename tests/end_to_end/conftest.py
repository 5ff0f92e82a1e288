"""A small whole life on a tiny model: real command line, real daemon, real runners; one home for the module."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TINY_MODEL = Path(__file__).parents[1] / "runners" / "tiny_model.py"
DEADLINE_SECONDS = 300

TRAINING = """\
api_version: tunewright/v1
name: tiny
base: {{model: "dir:model"}}
data:
  rows: {{source: "file:rows.jsonl"}}
  pairs: {{source: "file:pairs.jsonl", scrub: all, deduplicate: exact}}
suites:
  quiz: {{file: quiz.jsonl, metric: exact}}
steps:
  sft: {{train: {{method: sft, data: rows, learning_rate: 5.0e-3, max_steps: {steps}, max_length: 64,
                precision: fp32, save_steps: 5}}}}
"""
REST = """\
  align: {{train: {{method: dpo, from: sft, data: pairs, beta: 0.1, max_steps: 2, precision: fp32}}}}
  exam_base: {{evaluate: {{model: base, suites: [quiz], max_new_tokens: 8}}}}
  exam: {{evaluate: {{model: align, suites: [quiz], max_new_tokens: 8}}}}
  better: {{gate: {{require: "exam.quiz.exact >= exam_base.quiz.exact - {margin}"}}}}
  pack: {{export: {{model: align, quantize: {{method: bnb, bits: 4}}}}}}
  serve: {{deploy: {{model: pack, port: {port}, max_model_len: 128, max_new_tokens: 8,
                   smoke_prompt: "route ticket number 3"}}}}
allow: [{{code: TW4008, reason: a tiny suite for a test}}]
"""


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class World:
    """A home, a cache with the train environment, and a folder with a spec."""

    home: Path
    folder: Path
    environment: Mapping[str, str]
    port: int

    def write_spec(self, *, steps: int = 6, margin: float = 1.0) -> None:
        """Write the spec of the whole life."""
        text = TRAINING.format(steps=steps) + REST.format(margin=margin, port=self.port)
        (self.folder / "life.yaml").write_text(text, encoding="utf-8")

    def write_training(self, *, steps: int) -> None:
        """Write a spec that ends with the first training."""
        (self.folder / "life.yaml").write_text(TRAINING.format(steps=steps), encoding="utf-8")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tunewright", *arguments],
            cwd=self.folder, env=dict(self.environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    @contextmanager
    def daemon(self) -> Iterator["subprocess.Popen[str]"]:
        """A daemon of one's own, ready to be asked; ended at the end if it still runs."""
        process = self.start("daemon")
        deadline = time.monotonic() + 60
        while self.run("runs").code != 0:
            assert process.poll() is None, "the daemon ended"
            assert time.monotonic() < deadline, "the daemon did not get ready"
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    def run(self, *arguments: str) -> Outcome:
        process = self.start(*arguments)
        try:
            stdout, stderr = process.communicate(timeout=DEADLINE_SECONDS)
        finally:
            process.kill()
        return Outcome(process.returncode, stdout, stderr)


def rows_of(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, train_python: str) -> Iterator[World]:
    root = tmp_path_factory.mktemp("life")
    folder = root / "spec"
    folder.mkdir()
    subprocess.run(
        [train_python, "-P", str(TINY_MODEL), str(folder / "model")],
        check=True,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
    )
    things = [(f"route ticket number {number}", "billing" if number % 2 else "network") for number in range(16)]
    rows_of(folder / "rows.jsonl", [{"prompt": question, "completion": answer} for question, answer in things])
    rows_of(
        folder / "pairs.jsonl",
        [
            {"prompt": f"{question} of {person}", "chosen": answer, "rejected": "open"}
            for question, answer in things
            for person in ("13800138000", "li.hua@example.com.cn", "13900139000")
        ],
    )
    rows_of(
        folder / "quiz.jsonl",
        [
            {"id": str(index), "prompt": question, "expected": answer}
            for index, (question, answer) in enumerate(things[:4])
        ],
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, cache = root / "home", root / "cache"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ},
        "TUNEWRIGHT_HOME": str(home), "TUNEWRIGHT_CACHE": str(cache), "NO_COLOR": "1",
    }  # fmt: skip
    made = World(home, folder, environment, port)
    done = made.run("env", "use", "train", "--python", train_python)
    assert done.code == 0, done.stderr
    yield made
    made.run("stop", "--all")
    made.run("stop", "--daemon")
    shutil.rmtree(root, ignore_errors=True)
