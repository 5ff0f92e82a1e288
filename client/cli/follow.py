"""Follow a run to its end or until it rests: events folded, states asked for when they change, the screen kept up to
date.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewright.client.cli.display import Display
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.values import Run

if TYPE_CHECKING:
    from tunewright.client.api import Client

_LOG_TAIL_BYTES = 4000


def follow(client: "Client", run: Run, progress: RunProgress, display: Display | None) -> Run:
    """Watch a run from where `progress` stands until it has ended or is paused; return its last state."""
    known = run
    if display is not None:
        display.update(known, progress, None)
    for event in client.watch(known.id, progress.last_sequence):
        by_runner = progress.take(event)
        # What is asked for once is newer than many events: states are read again only when this one is not yet in them.
        if not by_runner and event.sequence > known.last_sequence:
            known = client.get_run(known.id).run
        if display is not None:
            display.update(known, progress, event)
        if known.paused and event.sequence >= known.last_sequence:
            return known
    return client.get_run(known.id).run


def told_so_far(client: "Client", run: Run) -> RunProgress:
    """Return what a run has reported up to the state that is known of it."""
    progress = RunProgress()
    for event in client.list_events(run.id):
        if event.sequence > run.last_sequence:
            break
        progress.take(event)
    return progress


def log_end(client: "Client", run: Run) -> str:
    """Return the last lines that the failed step wrote; empty where there is none."""
    from tunewright.client.errors import ClientError

    step = run.failure.step if run.failure else ""
    if run.state != "failed" or not step or not run.step(step).attempt:
        return ""
    try:
        chunks = client.logs(run.id, step, stream="stderr", offset=-_LOG_TAIL_BYTES)
        return b"".join(chunk.data for chunk in chunks).decode("utf-8", "replace")
    except ClientError:
        return ""


def finish(client: "Client", run: Run, plan: Mapping[str, Any], progress: RunProgress, *, as_json: bool) -> int:
    """Show how a run ended; return the exit code that says the same."""
    from tunewright.client.cli import exits
    from tunewright.client.cli.screen import show, show_json
    from tunewright.client.cli.view.summary import render_summary, summary_value

    if as_json:
        show_json(summary_value(run, progress))
    else:
        show("\n" + render_summary(run, plan, progress, log_end=log_end(client, run)), end="")
    codes = {"succeeded": exits.OK, "cancelled": exits.INTERRUPTED, "paused": exits.PAUSED}
    return codes.get(run.state, exits.FAILED)
