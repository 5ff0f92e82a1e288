"""Roles as the command line takes them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunewright.client.access_values import Grant
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.spec.access import ALL_PROJECTS, Role, is_project

Command = TypeVar("Command", bound=Callable[..., Any])


def grant_option(command: Command) -> Command:
    """Add `--grant`."""
    roles = ", ".join(Role)
    return click.option(
        "--grant",
        "grants",
        multiple=True,
        required=True,
        metavar="PROJECT:ROLE",
        help=f"A role in a project (`*`: in every one); may be given again. Roles: {roles}.",
    )(command)


def read_grants(texts: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return what `--grant` means; raise CommandError."""
    return tuple(_grant(text) for text in texts)


def _grant(text: str) -> Grant:
    project, colon, role = text.partition(":")
    if not colon or not (project == ALL_PROJECTS or is_project(project)):
        help_text = "such as support:submitter; a project is lower-case letters, digits and `-`, or `*` for all"
        raise CommandError(f"`{text}` is not PROJECT:ROLE", help=help_text, code=exits.USAGE)
    if role not in set(Role):
        raise CommandError(f"there is no role `{role}`", help=f"one of: {', '.join(Role)}", code=exits.USAGE)
    return Grant(project, Role(role))
