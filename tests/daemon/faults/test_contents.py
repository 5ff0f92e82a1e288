"""What users bring: weights that are a program, secrets, a row without an end."""

import os
import pickle
from pathlib import Path

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_step, write

from tunewright.compiler.ir.plan import StepInput
from tunewright.runners.model_sources.folder import take_folder
from tunewright.runners.sdk import Reporter, StepFailedError

CANARY = "hf_canary_8f3k2j1"


class Bomb:
    """Does something when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._mark),)


def test_weights_that_are_a_program_are_refused_unread(tmp_path: Path) -> None:
    model, mark = tmp_path / "model", tmp_path / "executed"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "llama"}')
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(StepFailedError, match="pickled weights"):
        take_folder(model, tmp_path / "taken", Reporter(tmp_path))
    assert not mark.exists()


def test_secret_is_nowhere_but_in_its_file(shared_daemon: Daemon) -> None:
    from dataclasses import replace

    secrets = shared_daemon.home / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "HUB_TOKEN").write_text(CANARY)
    step = a_step("fetch", [{"say": "working"}, write("model", "m"), {"exit": 1}])
    step = replace(step, inputs={"secret.token": StepInput(role="secret", path="HUB_TOKEN")})
    run = shared_daemon.finish(shared_daemon.submit(a_plan(step)).run.id)
    assert run.state == "failed"
    holders = [
        path
        for path in shared_daemon.home.rglob("*")
        if path.is_file() and path.parent != secrets and CANARY.encode() in path.read_bytes()
    ]
    assert holders == []
    assert CANARY not in Path(f"/proc/{shared_daemon.pid}/environ").read_text()
