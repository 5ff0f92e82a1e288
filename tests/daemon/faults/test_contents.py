"""What users bring: weights that are a program."""

import os
import pickle
from pathlib import Path

import pytest

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
