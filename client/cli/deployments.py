"""`tunewright deployments`: services and where they answer."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.lists import deployments_table


@click.command(epilog="Example: tunewright deployments --all")
@click.option("--all", "ended", is_flag=True, help="Those that are over as well.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(ended: bool, as_json: bool, target: str | None) -> int:
    """List the services that run, with their addresses."""
    with opened(target) as client:
        found = list(client.deployments(ended=ended))
    if as_json:
        show_json({"deployments": [asdict(item) for item in found]})
    else:
        show(deployments_table(found), end="")
    return exits.OK
