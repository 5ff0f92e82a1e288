"""What prompt and prefix tuning put in front of a text: the same answers as PEFT's, in evaluation and service."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunewright

pytestmark = pytest.mark.train

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
COMMON: dict[str, Any] = {"precision": "fp32", "device": "cpu", "threads": 1, "system_prompt": None}
EVALUATION = {"max_new_tokens": 8, "temperature": 0, "batch_size": 4, "seed": 0}
EXAM = {"suites": {"exam": {"metric": "exact"}}}
SERVICE = {
    "host": "127.0.0.1",
    "port": 0,
    "served_model_name": "led",
    "max_model_len": 200,
    "max_new_tokens": 8,
    "smoke_prompt": "route ticket 7",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lead-in")


@pytest.fixture(scope="module")
def said(folder: Path, train_python: str, tiny_folder: Path) -> dict[str, dict[str, Any]]:
    """What adapters in `folder` say through us and through PEFT."""
    script = str(Path(__file__).with_name("check_lead_in.py"))
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT, "OMP_NUM_THREADS": "1"}
    command = [train_python, "-P", script, str(tiny_folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
def test_replies_and_likelihoods_are_those_of_peft(said: Any, kind: str) -> None:
    trial = said[kind]
    assert trial["ours"] == trial["peft"]
    assert trial["ours"] != trial["base"]
    assert trial["our_likelihoods"] == pytest.approx(trial["peft_likelihoods"], abs=1e-3)


def test_an_evaluation_and_a_service_say_the_same(
    said: Any,
    bench: Any,
    folder: Path,
    tiny_folder: Path,
    wait_for: Callable[..., Any],
    read_events: Callable[..., Any],
) -> None:
    suite = folder / "suite.jsonl"
    suite.write_text(json.dumps({"id": "q", "prompt": SERVICE["smoke_prompt"], "expected": "never"}) + "\n")
    led = {"model": tiny_folder, "adapter": folder / "prompt"}
    exam = bench.bundle("exam", "evaluate.suites", led | {"suite.exam": suite}, COMMON | EVALUATION | EXAM)
    service = bench.bundle("service", "serve.embedded", led, COMMON | SERVICE, service=True)
    process = bench.start("serve_embedded", service)
    assert bench.run("evaluate_suites", exam).code == 0
    wait_for(lambda: process.poll() is not None or [e for e in read_events(service) if e["kind"] == "ready"], 120)
    assert process.poll() is None, process.stderr.read()
    (sample,) = [event for event in read_events(service) if event["kind"] == "sample"]
    (row,) = [json.loads(line) for line in (exam / "outputs/samples.jsonl").read_text().splitlines()]
    assert sample["reply"] == row["reply"]


def test_a_prefix_is_not_served(bench: Any, said: Any, folder: Path, tiny_folder: Path) -> None:
    inputs = {"model": tiny_folder, "adapter": folder / "prefix"}
    done = bench.run("serve_embedded", bench.bundle("prefix", "serve.embedded", inputs, COMMON | SERVICE, service=True))
    assert done.code == 78
    assert done.failure["reason"] == "ADAPTER_UNFIT"
