"""What users bring: weights that are a program, metrics that are none."""

import os
import pickle
from pathlib import Path

import pytest

from tunewright.compiler.ir.plan import Gate
from tunewright.daemon.engine.gates import decide, read_metrics
from tunewright.daemon.engine.states import Fail
from tunewright.runners.model_sources.folder import take_folder
from tunewright.runners.sdk import Reporter, StepFailedError


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


HOSTILE_METRICS = {
    "deep": b"[" * 100_000,
    "huge number": b'{"routing": {"exact": ' + b"9" * 400 + b"}}",
    "endless": b'{"routing": {"exact": 1}}' + b" " * (16 * 1024 * 1024),
    "no text": b"\xff\x00",
}


@pytest.mark.parametrize("what", [*HOSTILE_METRICS, "a folder"])
def test_metrics_that_are_none_leave_a_gate_undecidable(tmp_path: Path, what: str) -> None:
    place = tmp_path / "metrics.json"
    if what == "a folder":
        place.mkdir()
    else:
        place.write_bytes(HOSTILE_METRICS[what])
    decided = decide(Gate(require=("exam.routing.exact >= 0.4",), on_fail="stop"), read_metrics({"exam": tmp_path}))
    assert isinstance(decided, Fail)
    assert decided.failure.reason == "GATE_UNDECIDABLE"
