"""`tunewright retry`: do what failed again."""

import uuid
from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, started
from tunewright.client.cli.interrupt import Interrupts, follow_or_cancel
from tunewright.client.cli.screen import show, show_json


@click.command(epilog="Example: tunewright retry 20261121-225549-ab12")
@click.argument("run", metavar="RUN")
@click.option("--detach", is_flag=True, help="Print the new run's id and leave it to the daemon.")
@click.option("--json", "as_json", is_flag=True, help="Print only the end, as JSON.")
@daemon_option
def command(run: str, detach: bool, as_json: bool, target: str | None) -> int:
    """Run the very plan of RUN again: what succeeded is reused, what failed goes on from its last checkpoint."""
    with started(target) as client, Interrupts() as interrupts:
        with interrupts.held():
            again = client.retry(run, request_id=uuid.uuid4().hex)
        if not detach:
            return follow_or_cancel(client, again, client.get_run(again.id).plan, interrupts, as_json=as_json)
    if as_json:
        show_json(asdict(again))
    else:
        show(again.id)
    return exits.OK
