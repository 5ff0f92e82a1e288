"""What several commands take: which spec, and what is laid over it. Importing it costs nothing but click."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

DEFAULT_SPEC = "life.yaml"
STANDARD_INPUT = "-"

Command = TypeVar("Command", bound=Callable[..., Any])


def overlay_options(command: Command) -> Command:
    """Add the options that change what a spec means."""
    command = click.option("--profile", metavar="NAME", help="Lay this profile of the spec over it.")(command)
    return click.option(
        "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change one value, e.g. steps.sft.train.seed=7."
    )(command)


def standards_options(command: Command) -> Command:
    """Add the options that say what a spec is held to."""
    command = click.option(
        "--policy", metavar="FILE", help="Hold SPEC to this policy instead of this machine's (TUNEWRIGHT_POLICY)."
    )(command)
    return click.option("--locked", is_flag=True, help="Fail when anything is not what the lock (life.lock) says.")(
        command
    )
