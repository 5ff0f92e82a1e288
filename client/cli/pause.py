"""`tunewright pause`: let a run rest where it can go on."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.follow import follow
from tunewright.client.cli.person import who_asks
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.progress import RunProgress


@click.command(epilog="Example: tunewright pause 20261121-225549-ab12 --reason 'the machine is needed'")
@click.argument("run", metavar="RUN")
@click.option("--no-wait", is_flag=True, help="Return as soon as the daemon has noted it.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@daemon_option
def command(run: str, no_wait: bool, reason: str, as_json: bool, target: str | None) -> int:
    """Pause RUN and wait until it rests: training stops at its next step with a checkpoint, other steps end first.

    Nothing is lost: `tunewright resume` goes on as if it had never paused. A finished run is left as it is.
    """
    with opened(target) as client:
        asked = client.pause(run, by=who_asks(), reason=reason)
        if not (asked.ended or asked.paused or no_wait):
            remark("waiting for the step to save and rest")
        rests = asked if asked.ended or asked.paused or no_wait else follow(client, asked, RunProgress(), None)
    if as_json:
        show_json(asdict(rests))
    else:
        show(f"run {rests.id}: {rests.state}")
        if rests.paused:
            remark(f"go on: tunewright resume {rests.id}")
    return exits.OK
