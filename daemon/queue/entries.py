"""What the queue is decided from, as values: steps that wait, steps that hold something, the room that is left."""

from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.queue.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A step that could begin. `age` orders those of equal right: the run's number, then the step's place in it.

    `limit` is after how many milliseconds an attempt is ended for taking too long, None where nothing ends it.
    """

    run: str
    step: str
    project: str
    priority: int
    age: tuple[int, int]
    needs: Resources
    limit: Milliseconds | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Name the step."""
        return self.run, self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A step that holds something since `start`. `preemptible`: it stops at a checkpoint when asked, and goes on later.

    `leaving`: it was asked to stop, so that what it holds comes free soon.
    """

    run: str
    step: str
    project: str
    priority: int
    holds: Resources
    start: Milliseconds
    limit: Milliseconds | None = None
    preemptible: bool = False
    leaving: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Name the step."""
        return self.run, self.step

    def end(self, now: Milliseconds) -> Milliseconds | None:
        """Return when it ends at the latest, None where nobody knows; one that is overdue ends now."""
        if self.leaving:
            return now
        return None if self.limit is None else max(now, self.start + self.limit)
