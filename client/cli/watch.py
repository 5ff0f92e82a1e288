"""`tunewright watch`: follow a run, or see how one ended."""

from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.display import display_for
from tunewright.client.cli.follow import finish, follow
from tunewright.client.cli.screen import remark
from tunewright.client.cli.view.progress import RunProgress

if TYPE_CHECKING:
    from tunewright.client.api import Client


@click.command(epilog="Example: tunewright watch 20261121-225549-ab12")
@click.argument("run", default="", metavar="[RUN]")
@click.option("--json", "as_json", is_flag=True, help="Print only the end, as JSON.")
@daemon_option
def command(run: str, as_json: bool, target: str | None) -> int:
    """Follow RUN (the newest one) to its end or until it is paused. Ctrl-C leaves; the run goes on.

    Ends as the run does: 1 when it failed, 75 when it is paused, 130 when it was cancelled.
    """
    with opened(target) as client:
        return watch_run(client, run or newest_run(client), as_json=as_json)


def watch_run(client: "Client", run: str, *, as_json: bool) -> int:
    """Follow a run and show how it ended; return the exit code."""
    detail = client.get_run(run)
    progress = RunProgress()
    try:
        if as_json or detail.run.ended or detail.run.paused:
            ended = follow(client, detail.run, progress, None)
        else:
            with display_for(detail.plan) as display:
                ended = follow(client, detail.run, progress, display)
    except KeyboardInterrupt:
        remark(f"\nrun {run} goes on; follow it again: tunewright watch {run}   stop it: tunewright cancel {run}")
        return exits.INTERRUPTED
    return finish(client, ended, detail.plan, progress, as_json=as_json)


def newest_run(client: "Client") -> str:
    """Return the id of the newest run; raise CommandError where there is none."""
    from tunewright.client.cli.exits import CommandError

    for run in client.list_runs():
        return run.id
    raise CommandError("there is no run yet", help="start one: tunewright run life.yaml")
