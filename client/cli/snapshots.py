"""Ask a daemon how it is, again and again: what was read of runs is not read twice."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.cli.view.top import Snapshot, is_at_work
from tunewright.client.values import RUN_ENDED, Run

if TYPE_CHECKING:
    from tunewright.client.api import Client

_MAX_ACTIVE = 200
_MAX_ENDED = 5
#: One call each: callers from elsewhere may make so many a second, and no more fit a screen.
_MAX_FOLLOWED = 15
#: A training that has run for days has said much: where it stands is in its last words.
_LAST_EVENTS = 500
_KINDS = ("phase", "progress", "metric", "evaluation")


@dataclass(slots=True)
class Snapshots:
    """Of one daemon."""

    client: "Client"
    _progress: dict[str, RunProgress] = field(default_factory=dict)

    def take(self) -> Snapshot:
        """Return how the daemon is now; raise ClientError."""
        info = self.client.server_info()
        active = list(islice(self.client.list_runs(active_only=True), _MAX_ACTIVE))
        ended = list(islice(self.client.list_runs(states=sorted(RUN_ENDED)), _MAX_ENDED))
        at_work = [run for run in active if is_at_work(run)][:_MAX_FOLLOWED]
        self._progress = {run.id: self._followed(run) for run in at_work}
        return Snapshot(
            target=self.client.target,
            time=datetime.now(UTC),
            info=info,
            active=active,
            ended=ended,
            progress=self._progress,
            devices=self.client.devices(),
            services=list(self.client.deployments()),
            queue=self.client.queue(),
        )

    def _followed(self, run: Run) -> RunProgress:
        progress = self._progress.get(run.id) or RunProgress(last_sequence=max(0, run.last_sequence - _LAST_EVENTS))
        if progress.last_sequence < run.last_sequence:
            for event in self.client.list_events(run.id, after=progress.last_sequence, kinds=_KINDS):
                progress.take(event)
            # Other kinds were left out: they are read as well.
            progress.last_sequence = max(progress.last_sequence, run.last_sequence)
        return progress
