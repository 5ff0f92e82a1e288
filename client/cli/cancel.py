"""`tunewright cancel`: stop a run."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.follow import follow
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.progress import RunProgress


@click.command(epilog="Example: tunewright cancel 20261121-225549-ab12")
@click.argument("run", metavar="RUN")
@click.option("--now", is_flag=True, help="Kill at once instead of letting the runner save and end.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the daemon has noted it.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@daemon_option
def command(run: str, now: bool, no_wait: bool, reason: str, as_json: bool, target: str | None) -> int:
    """Stop RUN and wait until it has ended. Finished steps are kept; a finished run is left as it is."""
    with opened(target) as client:
        asked = client.cancel(run, mode="now" if now else "graceful", reason=reason)
        if not (asked.ended or no_wait or now):
            remark("waiting for the runner to save and end; `--now` does not wait")
        ended = asked if asked.ended or no_wait else follow(client, asked, RunProgress(), None)
    if as_json:
        show_json(asdict(ended))
    else:
        show(f"run {ended.id}: {ended.state}")
    return exits.OK
