"""Is the result of an equal step at hand? Asked when a plan is compared, and again when the step's turn comes."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from tunewright.compiler.ir.plan import Step
from tunewright.daemon.engine.artifacts import intact
from tunewright.daemon.engine.states import Reuse, StepRecord
from tunewright.daemon.home import Home
from tunewright.daemon.store import artifacts, deployments
from tunewright.daemon.supervise import Running, probe


@dataclass(frozen=True, slots=True)
class Results:
    """Finds results in the store and looks whether they are really there."""

    connection: sqlite3.Connection
    home: Home

    def find(self, step: Step | StepRecord, project: str) -> Reuse | None:
        """Return the result of an equal step of the project, None when the step has to be done.

        That another project has it is not to be seen, not even by how long a run takes.
        """
        if step.verb == "gate":
            return self._verdict(project, step.digest)
        if step.service:
            return self._deployment(project, step.digest)
        return self._artifact(project, step.digest)

    def kept(self, project: str) -> Callable[[Step], bool]:
        """Return what answers whether `find` finds something in a project."""
        return lambda step: self.find(step, project) is not None

    def _artifact(self, project: str, digest: str) -> Reuse | None:
        for record in artifacts.of_step_digest(self.connection, project, digest):
            if intact(record, self.home):
                return Reuse(source_run=record.run, artifact=record.digest)
        return None

    def _verdict(self, project: str, digest: str) -> Reuse | None:
        found = artifacts.latest_verdict(self.connection, project, digest)
        if found is None or not found[1].passed:  # a gate that said no says it again, with its alert
            return None
        run, verdict = found
        return Reuse(source_run=run, verdict=verdict)

    def _deployment(self, project: str, digest: str) -> Reuse | None:
        record = deployments.live_with_digest(self.connection, project, digest)
        if record is None:
            return None
        bundle = self.home.bundle(record.run, record.step, record.attempt)
        if not isinstance(probe(bundle), Running):
            return None
        return Reuse(source_run=record.run, address=record.address)
