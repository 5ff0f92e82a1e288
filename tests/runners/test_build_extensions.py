"""A build that was killed leaves a lock on which everyone would wait for ever; one that is held is left alone."""

import os
from pathlib import Path

import pytest

from tunewright.runners import build_extensions
from tunewright.runners.contract import ExitCode


def test_only_locks_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    stale, held = tmp_path / "cpu_adam" / "lock", tmp_path / "deepspeed_shm_comm" / "lock"
    for lock in (stale, held):
        lock.parent.mkdir()
        lock.touch()
    descriptor = os.open(held, os.O_RDONLY)  # torch keeps its lock open while it builds
    try:
        assert build_extensions.remove_stale_locks(tmp_path) == [stale]
        assert held.exists()
    finally:
        os.close(descriptor)
    assert build_extensions.remove_stale_locks(tmp_path) == [held]


def test_an_unknown_operator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_extensions.main(["cpu_adagrad"]) == ExitCode.IMPOSSIBLE
    assert "known: shm_comm, cpu_adam" in capsys.readouterr().err
