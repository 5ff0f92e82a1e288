"""Runners are found by kind: ours first, then what is installed, then programs on PATH."""

import importlib.util
from pathlib import Path

import pytest

from tunewright.runners.environments import ENVIRONMENTS
from tunewright.runners.registry import BUILT_IN, UnknownRunnerError, find_runner


def test_our_runners_exist_and_name_environments_that_exist() -> None:
    for kind, runner in BUILT_IN.items():
        assert runner.kind == kind
        assert importlib.util.find_spec(str(runner.module)) is not None, runner.module
        assert runner.environment is None or runner.environment in ENVIRONMENTS


def test_a_program_on_path_is_a_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tunewright-runner-train.theirs"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_runner("train.theirs").argv("python") == (str(program),)


def test_a_program_can_not_replace_one_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tunewright-runner-train.trl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_runner("train.trl").argv("python") == ("python", "-P", "-m", "tunewright.runners.train_trl")


def test_an_unknown_kind_says_how_runners_are_found() -> None:
    with pytest.raises(UnknownRunnerError, match=r"tunewright-runner-train\.none"):
        find_runner("train.none")
