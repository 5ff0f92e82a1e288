"""What several commands take: which spec, and what is laid over it. Importing it costs nothing but click."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunewright.spec.priority import priority_number

DEFAULT_SPEC = "life.yaml"
STANDARD_INPUT = "-"

Command = TypeVar("Command", bound=Callable[..., Any])


def overlay_options(command: Command) -> Command:
    """Add the options that change what a spec means."""
    command = click.option("--profile", metavar="NAME", help="Lay this profile of the spec over it.")(command)
    return click.option(
        "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change one value, e.g. steps.sft.train.seed=7."
    )(command)


class Priority(click.ParamType[int]):
    """A word or a number, as a number."""

    name = "priority"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of what was written."""
        try:
            return value if isinstance(value, int) else priority_number(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def queue_options(command: Command) -> Command:
    """Add the options that decide when a run gets the machine."""
    command = click.option(
        "--not-preemptible", "firm", is_flag=True, help="Make no room for runs of a higher priority."
    )(command)
    return click.option(
        "--priority",
        type=Priority(),
        default="normal",
        metavar="PRIORITY",
        help="low, normal (default), high, urgent, or a number.",
    )(command)


def standards_options(command: Command) -> Command:
    """Add the options that say what a spec is held to."""
    command = click.option(
        "--policy", metavar="FILE", help="Hold SPEC to this policy instead of this machine's (TUNEWRIGHT_POLICY)."
    )(command)
    return click.option("--locked", is_flag=True, help="Fail when anything is not what the lock (life.lock) says.")(
        command
    )
