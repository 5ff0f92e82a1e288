"""Our runners are where the table says, and start with the interpreter of an environment that exists."""

import importlib.util

from tunewright.compiler.facts.kinds import KINDS
from tunewright.runners.environments import ENVIRONMENTS
from tunewright.runners.registry import BUILT_IN


def test_our_runners_exist_and_name_environments_that_exist() -> None:
    for kind, runner in BUILT_IN.items():
        assert runner.kind == kind
        assert importlib.util.find_spec(runner.module) is not None, runner.module
        assert runner.environment is None or runner.environment in ENVIRONMENTS


def test_plans_start_the_same_runners_in_the_same_environments() -> None:
    for kind in KINDS.keys() & BUILT_IN.keys():
        assert (KINDS[kind].module, KINDS[kind].environment) == (BUILT_IN[kind].module, BUILT_IN[kind].environment)
    assert BUILT_IN.keys() - KINDS.keys() == {"fake"}


def test_a_runner_starts_without_what_lies_in_the_folder() -> None:
    assert BUILT_IN["train.trl"].argv("python") == ("python", "-P", "-m", "tunewright.runners.train_trl")
