"""What tests of runners share: a tiny model with adapters, and a bench of bundles and real runner processes."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.runners import contract
from tunewright.runners.contract import Command, Deadlines, Input, StepFile

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
HERE = Path(__file__).parent
MODEL_DIGEST = "sha256:" + "ab" * 32

#: Fresh weights are so small that a model with tied embeddings only repeats its last token; larger ones make it talk.
LIVEN = """
import sys
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
for name, parameter in model.named_parameters():
    if "proj" in name:
        parameter.data *= 12
model.save_pretrained(sys.argv[1])
"""


@dataclass
class Finished:
    """What a runner left: its exit code, its events, its stderr."""

    code: int
    events: list[dict[str, Any]]
    stderr: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]

    @property
    def failure(self) -> dict[str, Any]:
        (event,) = self.of("failure")
        return event


@dataclass
class Bench:
    """Writes bundles under one folder and runs runner modules on them with the interpreter of their environment."""

    folder: Path
    python: str
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def bundle(
        self, name: str, kind: str, inputs: Mapping[str, Path], parameters: Mapping[str, Any], **more: Any
    ) -> Path:
        """Return a new bundle; the role of an input is the first part of its key."""
        bundle = self.folder / name
        for part in (contract.INPUTS, contract.WORK, contract.OUTPUTS):
            (bundle / part).mkdir(parents=True)
        step = StepFile(
            run="run",
            step=name,
            attempt=1,
            kind=kind,
            inputs={
                key: Input(path=str(path), digest=MODEL_DIGEST, role=key.split(".")[0]) for key, path in inputs.items()
            },
            parameters=parameters,
            command=Command(argv=("unused",)),
            deadlines=Deadlines(grace_seconds=15.0),
            **more,
        )
        (bundle / contract.STEP).write_text(json.dumps(step.to_json()))
        return bundle

    def start(self, module: str, bundle: Path) -> "subprocess.Popen[str]":
        """Start `run BUNDLE` as the supervisor does: in work/, with -P."""
        process = subprocess.Popen(
            [self.python, "-P", "-m", f"tunewright.runners.{module}", "run", str(bundle)],
            cwd=bundle / contract.WORK,
            env={**os.environ, "PYTHONPATH": PACKAGE_ROOT, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, module: str, bundle: Path) -> Finished:
        """Run a runner to its end."""
        process = self.start(module, bundle)
        stderr = process.communicate(timeout=300)[1]
        return Finished(code=process.returncode, events=events_of(bundle), stderr=stderr)


def events_of(bundle: Path) -> list[dict[str, Any]]:
    path = bundle / contract.EVENTS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="session")
def tiny_folder(train_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights, a tokenizer and a chat template."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    for script in ([str(HERE / "tiny_model.py")], ["-c", LIVEN]):
        subprocess.run([train_python, "-P", *script, str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def make_adapter(train_python: str, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that makes an adapter of the tiny model for the named target modules."""

    def make(*targets: str) -> Path:
        folder = tmp_path_factory.mktemp("adapter")
        script = [train_python, "-P", str(HERE / "tiny_adapter.py"), str(tiny_folder), str(folder), *targets]
        subprocess.run(script, check=True, capture_output=True)
        return folder

    return make


@pytest.fixture(scope="module")
def bench(train_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench whose processes do not outlive the module."""
    bench = Bench(folder=tmp_path_factory.mktemp("bench"), python=train_python)
    yield bench
    for process in bench.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """A function that polls a condition until it gives something true."""

    def wait(condition: Callable[[], Any], seconds: float = 240.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"not true within {seconds} s")

    return wait


@pytest.fixture(scope="session")
def read_events() -> Callable[[Path], list[dict[str, Any]]]:
    """A function that reads the events of a bundle whose runner still works."""
    return events_of
