"""A folder with a sound spec, the command line, and what the steps of the scripted daemon do."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.daemons import PACKAGE_ROOT

GOLDEN = Path(__file__).parents[3] / "golden" / "cli"

SPEC = """\
api_version: tunewright/v1
name: support
base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}
data: {rows: {source: "file:rows.jsonl"}}
suites: {routing: {file: suite.jsonl, metric: exact}}
steps:
  sft: {train: {method: sft, data: rows, tuner: lora, gradient_accumulation_steps: 1, num_train_epochs: 1}}
  exam: {evaluate: {model: sft, suites: routing, max_new_tokens: 8}}
  better: {gate: {require: "exam.routing.exact >= 0.5"}}
"""


def artifact(role: str, text: str) -> list[dict[str, Any]]:
    """Return the acts of leaving an artifact behind."""
    return [
        {"write": {"path": "outputs/file", "text": text}},
        {"emit": {"kind": "artifact", "role": role, "path": "outputs"}},
    ]


def exam(value: float) -> list[dict[str, Any]]:
    """Return the acts of an evaluation."""
    metrics = json.dumps({"routing": {"exact": value, "rows": 8}})
    return [
        {"emit": {"kind": "evaluation", "suite": "routing", "metric": "exact", "value": value, "rows": 8}},
        {"write": {"path": "outputs/metrics.json", "text": metrics}},
        {"emit": {"kind": "artifact", "role": "evaluation", "path": "outputs"}},
    ]


SCRIPTS: dict[str, list[dict[str, Any]]] = {
    "base": artifact("model", "weights"),
    "sft": [
        {"say": "loading \x1b[31mred\x1b[0m letters"},
        {"emit": {"kind": "progress", "done": 12, "total": 24, "unit": "steps", "eta_seconds": 3}},
        {"emit": {"kind": "metric", "step": 12, "values": {"loss": 0.412, "tokens_per_second": 431.0}}},
        {"emit": {"kind": "summary", "values": {"loss": 0.412}}},
        *artifact("adapter", "delta"),
    ],
    "exam": exam(0.875),
}


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A folder with a spec, a home of its own, and the command line."""

    folder: Path
    home: Path
    extra: dict[str, str] = field(default_factory=dict)
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def spec(self) -> Path:
        return self.folder / "life.yaml"

    def write(self, *, spec: str = SPEC, scripts: dict[str, list[dict[str, Any]]] | None = None) -> None:
        """Write the spec, its data and what the steps play."""
        rows = [
            {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]}
            for n in range(16)
        ]
        suite = [{"id": f"s{n}", "prompt": f"q{n}?", "expected": f"a{n}"} for n in range(8)]
        self.spec.write_text(spec)
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (self.folder / "suite.jsonl").write_text("".join(json.dumps(row) + "\n" for row in suite))
        (self.folder / "scripts.json").write_text(json.dumps({**SCRIPTS, **(scripts or {})}))

    @property
    def environment(self) -> dict[str, str]:
        keep = {key: value for key, value in os.environ.items() if not key.startswith("TUNEWRIGHT")}
        own = {"TUNEWRIGHT_HOME": str(self.home), "TUNEWRIGHT_CACHE": str(self.folder / "cache")}
        own["TUNEWRIGHT_CONTEXTS"] = str(self.folder / "contexts.yaml")
        return {**keep, **own, "PYTHONPATH": PACKAGE_ROOT, "NO_COLOR": "1", "TZ": "UTC", "COLUMNS": "100", **self.extra}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tunewright", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def clean_up(self) -> None:
        """End what was started and still runs."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *arguments: str, stdin: str = "") -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tunewright", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def at_a_terminal(self, *arguments: str, typed: str = "", **environment: str) -> str:
        """Run a command as a person would, type, and return what the screen showed."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "tunewright", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=self.folder,
            env={**self.environment, **environment},
        ) as process:
            os.close(theirs)
            os.write(ours, typed.encode())
            shown = b""
            try:
                while chunk := os.read(ours, 4096):
                    shown += chunk
            except OSError:  # the terminal ends with its last user
                pass
            os.close(ours)
            assert process.wait(timeout=30) == 0, shown.decode()
        return shown.decode()


def golden(name: str, text: str) -> str:
    """Return what is kept for a drawing; UPDATE_GOLDEN=1 keeps the new text instead."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")
