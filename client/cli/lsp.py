"""`tunewright lsp`: the language server that editors start."""

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError


@click.command(epilog="Example: tunewright lsp   (docs/editors.md has the settings of editors)")
@click.option("--stdio", is_flag=True, hidden=True, help="The only way there is; some editors say so.")
@click.option(
    "--log-level",
    type=click.Choice(["error", "info", "debug"]),
    default="error",
    show_default=True,
    help="What goes to standard error.",
)
def command(stdio: bool, log_level: str) -> int:  # noqa: ARG001 - the flag changes nothing
    """Check specs and complete them while they are written.

    Speaks the Language Server Protocol over standard input and output; an editor starts it.
    """
    import logging
    import os
    import sys

    logging.basicConfig(stream=sys.stderr, level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    try:
        from tunewright.client.lsp.server import make_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise CommandError(
            "the language server needs pygls, which is not installed",
            help="python -m pip install 'tunewright[lsp]'",
        ) from error
    from tunewright.client.cli.specs import world

    # The protocol gets the standard output for itself: whatever else is printed must not end up in a message.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    make_server(world).start_io(stdout=answers)
    return exits.OK
