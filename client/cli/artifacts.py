"""`tunewright artifacts`: what steps left behind."""

from dataclasses import asdict
from itertools import islice

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.lists import artifacts_table


@click.command(epilog="Example: tunewright artifacts 20261121-225549-ab12")
@click.argument("run", default="", metavar="[RUN]")
@click.option("--role", default="", metavar="ROLE", help="Only this role: model, adapter, evaluation, deployment.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with folders and whole digests.")
@daemon_option
def command(run: str, role: str, limit: int, as_json: bool, target: str | None) -> int:
    """List artifacts, newest first: those of RUN, or all of them."""
    with opened(target) as client:
        found = list(islice(client.artifacts(run=run, role=role), limit))
    if as_json:
        show_json({"artifacts": [asdict(item) for item in found]})
    else:
        show(artifacts_table(found), end="")
    return exits.OK
