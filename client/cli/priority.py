"""`tunewright priority`: make a run more or less urgent."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.options import Priority
from tunewright.client.cli.person import who_asks
from tunewright.client.cli.screen import show, show_json
from tunewright.spec.priority import priority_word


@click.command(
    epilog="Example: tunewright priority 20261121-225549-ab12 high",
    context_settings={"ignore_unknown_options": True},  # a number may be negative
)
@click.argument("run", metavar="RUN")
@click.argument("priority", metavar="PRIORITY", type=Priority())
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@daemon_option
def command(run: str, priority: int, as_json: bool, target: str | None) -> int:
    """Give RUN another PRIORITY: low, normal, high, urgent, or a number from -1000 to 1000.

    What waits changes its place in the queue; what runs goes on. A finished run is left as it is.
    """
    with opened(target) as client:
        changed = client.set_priority(run, priority, by=who_asks())
    if as_json:
        show_json(asdict(changed))
    else:
        show(f"run {changed.id}: priority {priority_word(changed.priority)}")
    return exits.OK
