"""`tunewright runs`: what was run here, newest first."""

from dataclasses import asdict
from itertools import islice

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.lists import runs_table


@click.command(epilog="Example: tunewright runs --active")
@click.option("--spec", "spec_name", metavar="NAME", default="", help="Only runs of the spec of this name.")
@click.option("--active", is_flag=True, help="Only runs that have not ended.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(spec_name: str, active: bool, limit: int, as_json: bool, target: str | None) -> int:
    """List runs, newest first."""
    with opened(target) as client:
        runs = list(islice(client.list_runs(spec_name=spec_name, active_only=active), limit))
    if as_json:
        show_json({"runs": [asdict(run) for run in runs]})
    else:
        show(runs_table(runs), end="")
    return exits.OK
