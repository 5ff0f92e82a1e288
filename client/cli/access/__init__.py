"""`tunewright access`: who may call a daemon, and with what."""

import click

from tunewright.client.cli.access import block, ca, certificate, context, log, token, unblock, whoami


@click.group(epilog="Example: tunewright access whoami")
def command() -> None:
    """Decide who may call a daemon, and with what (docs/access.md)."""


for _name, _module in (
    ("whoami", whoami),
    ("context", context),
    ("token", token),
    ("block", block),
    ("unblock", unblock),
    ("log", log),
    ("ca", ca),
    ("certificate", certificate),
):
    command.add_command(_module.command, _name)
