"""Following a run that belongs to this terminal: Ctrl-C cancels it and waits, a second one stops it at once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewright.client.cli import exits
from tunewright.client.cli.display import Display, display_for
from tunewright.client.cli.follow import finish, follow
from tunewright.client.cli.screen import remark
from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.values import Run

if TYPE_CHECKING:
    from tunewright.client.api import Client


def follow_or_cancel(client: "Client", run: Run, plan: Mapping[str, Any], *, as_json: bool) -> int:
    """Follow a run to its end and show it; return the exit code."""
    progress = RunProgress()
    try:
        if as_json:
            ended = _follow(client, run, progress, None)
        else:
            with display_for(plan) as display:
                ended = _follow(client, run, progress, display)
    except KeyboardInterrupt:
        client.cancel(run.id, mode="now", reason="Ctrl-C twice")
        remark(f"run {run.id} is being stopped at once; see `tunewright watch {run.id}`")
        return exits.INTERRUPTED
    return finish(client, ended, plan, progress, as_json=as_json)


def _follow(client: "Client", run: Run, progress: RunProgress, display: Display | None) -> Run:
    try:
        return follow(client, run, progress, display)
    except KeyboardInterrupt:
        now = client.cancel(run.id, mode="graceful", reason="Ctrl-C")
        sentence = "cancelling: waiting for the runner to save and end; Ctrl-C again stops it at once"
        if display is not None:
            display.say(sentence)
        return follow(client, now, progress, display)
