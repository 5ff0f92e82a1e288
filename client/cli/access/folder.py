"""The folder of a small certificate authority, as commands name it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunewright.client import places
from tunewright.client.cli.exits import CommandError

if TYPE_CHECKING:
    from tunewright.client.authority import Authority

Command = TypeVar("Command", bound=Callable[..., Any])


def authority_option(command: Command) -> Command:
    """Add `--authority`."""
    return click.option(
        "--authority", "folder", metavar="DIR", help="The authority's folder (default: `authority` in the home)."
    )(command)


@contextmanager
def opened_authority(folder: str | None) -> Iterator["Authority"]:
    """Yield the authority in a folder; what it can't do becomes the command's error."""
    from tunewright.client.authority import Authority, AuthorityError

    try:
        yield Authority(Path(folder).absolute() if folder else places.home() / "authority")
    except AuthorityError as error:
        raise CommandError(str(error)) from error
