"""Rewards as functions of a reply and its row: built-in ones, and those of packages."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tunewright.runners.plug_ins import plug_in
from tunewright.runners.training.rewards import built_in
from tunewright.spec.plug_ins import is_plug_in

#: `(reply, row)` -> what the reply is paid.
RewardFunction = Callable[[str, Mapping[str, Any]], float]


def reward_function(name: str, options: Mapping[str, Any]) -> RewardFunction:
    """Return a reward by name with its options filled in; raise StepFailedError where no package offers it."""
    found = plug_in("reward", name) if is_plug_in(name) else getattr(built_in, name)
    return partial(found, **options)
