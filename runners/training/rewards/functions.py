"""Rewards as functions of a reply and its row: built-in ones, and those of packages."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.rewards import built_in
from tunewright.spec.rewards import ENTRY_POINT_GROUP, is_plug_in

#: `(reply, row)` -> what the reply is paid.
RewardFunction = Callable[[str, Mapping[str, Any]], float]


def reward_function(name: str, options: Mapping[str, Any]) -> RewardFunction:
    """Return a reward by name with its options filled in; raise StepFailedError where no package offers it."""
    if not is_plug_in(name):
        return partial(getattr(built_in, name), **options)
    found = next(iter(metadata.entry_points(group=ENTRY_POINT_GROUP, name=name)), None)
    if found is None:
        raise StepFailedError(
            f"no package here offers the reward `{name}`",
            reason="REWARD_MISSING",
            help=f"install the package into the `train` environment; it must offer `{name}` in the entry-point group "
            f"`{ENTRY_POINT_GROUP}`",
            code=ExitCode.UNAVAILABLE,
        )
    return partial(found.load(), **options)
