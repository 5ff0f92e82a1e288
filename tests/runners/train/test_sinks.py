"""Where figures go beside the events: real libraries, real files; nothing leaves the machine."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from watching.tracking_server import tracking_server

import tunewright
from tunewright.runners.contract import ExitCode

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])

#: Reads TensorBoard's files back: length, checksum, event, checksum.
READ = """
import glob, json, struct, sys
from tensorboardX.proto.event_pb2 import Event
found = {}
for path in sorted(glob.glob(sys.argv[1] + "/events.*")):
    data, place = open(path, "rb").read(), 0
    while place < len(data):
        (length,) = struct.unpack("<Q", data[place:place + 8])
        event = Event.FromString(data[place + 12:place + 12 + length])
        place += length + 16
        for value in event.summary.value:
            found.setdefault(value.tag, []).append([event.step, value.simple_value])
print(json.dumps(found))
"""

#: Logs three figures into a sink, outside of a training.
LOG = """
import json, sys
from pathlib import Path
from tunewright.runners.contract import Input, StepFile, Command
from tunewright.runners.training.sinks.sink import Sinks, check_sinks
wanted, work, token = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
inputs = {f"secret.{name}": Input(path=token, digest="", role="secret") for name in wanted} if token else {}
step = StepFile(run="r1", step="sft", attempt=1, kind="train.trl", inputs=inputs,
                parameters={"learning_rate": 0.1}, command=Command(argv=("x",)))
check_sinks(wanted, sys.executable)
for part in ((1, 2), (3,)):  # two attempts of one step
    sinks = Sinks(wanted, step, work)
    for number in part:
        sinks.log(number, {"loss": 1 / number, "rewards/margins": 0.5})
    sinks.close(succeeded=True)
"""


def logged(python: str, wanted: dict[str, Any], work: Path, token: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE_ROOT, os.environ.get("TUNEWRIGHT_EXTRAS", "")])}
    command = [python, "-P", "-c", LOG, json.dumps(wanted), str(work), token]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)


def needs(python: str, module: str) -> None:
    """Skip where an optional library is not in the environment (or in the folder TUNEWRIGHT_EXTRAS)."""
    environment = {**os.environ, "PYTHONPATH": os.environ.get("TUNEWRIGHT_EXTRAS", "")}
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True, env=environment).returncode:
        pytest.skip(f"{module} is optional and not installed")


@pytest.mark.train
def test_tensorboard_files_hold_the_figures_and_are_no_part_of_the_artifact(
    trainer: Any, sft: Any, train_python: str
) -> None:
    trained = trainer.run("boards", {"save_steps": 2, "report_to": {"tensorboard": {}}})
    assert trained.code == 0, trained.stderr[-2000:]
    folder = trained.bundle / "work" / "tensorboard"
    done = subprocess.run([train_python, "-c", READ, str(folder)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert [loss for _, loss in found["train/loss"]] == pytest.approx(trained.losses)
    assert {"train/learning_rate", "train/grad_norm", "train/tokens_per_second", "train/rows"} <= set(found)
    assert [(event["role"], event["path"]) for event in trained.of("artifact")] == [
        ("tensorboard", "work/tensorboard"),
        ("adapter", "outputs"),
    ]
    assert {path.name: path.read_bytes() for path in trained.outputs.iterdir() if path.name != "tunewright.json"} == {
        path.name: path.read_bytes() for path in sft.outputs.iterdir() if path.name != "tunewright.json"
    }


@pytest.mark.train
def test_a_missing_library_ends_the_step_before_anything_is_loaded(trainer: Any, train_python: str) -> None:
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('wandb') is not None)"
    if subprocess.run([train_python, "-c", code], check=False).returncode:
        pytest.skip("wandb is installed")
    failed = trainer.run("no-wandb", {"report_to": {"wandb": {"project": "p", "mode": "offline"}}})
    assert failed.code == ExitCode.UNAVAILABLE
    assert failed.reason == "PACKAGE_MISSING"
    assert "-m pip install wandb==" in failed.of("failure")[0]["help"]


def test_mlflow_gets_figures_and_token(train_python: str, tmp_path: Path) -> None:
    needs(train_python, "mlflow.tracking")
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with tracking_server() as server:
        wanted = {"mlflow": {"address": server.address, "experiment": "quick"}}
        done = logged(train_python, wanted, tmp_path, str(token))
        assert done.returncode == 0, done.stderr[-2000:]
    assert server.tokens == {"Bearer s3cret"}
    assert server.metrics == {("loss", 1): 1.0, ("loss", 2): 0.5, ("loss", 3): pytest.approx(1 / 3)} | {
        ("rewards.margins", step): 0.5 for step in (1, 2, 3)
    }
    assert server.runs == 1, "attempts of one step go on in one run"
    assert "s3cret" not in done.stdout + done.stderr


def test_mlflow_writes_a_folder(train_python: str, tmp_path: Path) -> None:
    needs(train_python, "mlflow.tracking")
    wanted = {"mlflow": {"address": f"file:{tmp_path}/store", "experiment": "quick"}}
    done = logged(train_python, wanted, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    (losses,) = (tmp_path / "store").glob("*/*/metrics/loss")
    assert len(losses.read_text().splitlines()) == 3


def test_wandb_writes_a_folder_offline(train_python: str, tmp_path: Path, wait_for: Callable[..., Any]) -> None:
    needs(train_python, "wandb")
    wanted = {"wandb": {"project": "quick", "entity": None, "mode": "offline", "address": None}}
    done = logged(train_python, wanted, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list((tmp_path / "wandb").glob("wandb/offline-run-*/run-*.wandb"))
