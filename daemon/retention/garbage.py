"""What nothing keeps any more: pure, from the facts of one moment.

A run is kept whole while it is active, held, serves, is among the last of its spec, or is what an active run goes on
from. A kept run keeps the artifacts that it made or took, its work folders and its logs. The rest is kept by age.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.retention.facts import Facts, RunFact
from tunewright.daemon.retention.policy import Retention

#: In milliseconds.
DAY = 24 * 3600 * 1000


class GarbageKind(StrEnum):
    """What is collected."""

    ARTIFACT = "artifact"
    CHECKPOINTS = "checkpoints"
    LOGS = "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """One thing that may go; `subject` is its name, `reason` says why nothing keeps it."""

    kind: GarbageKind
    subject: str
    project: str
    reason: str


def find_garbage(facts: Facts, retention: Retention, now: Milliseconds) -> Iterator[Garbage]:
    """Yield what may go."""
    kept = _kept_runs(facts, retention)
    yield from _artifacts(facts, kept, retention, now)
    yield from _attempts(facts, kept, retention, now)


def _kept_runs(facts: Facts, retention: Retention) -> set[str]:
    kept = {run.id for run in facts.runs.values() if run.active or f"runs/{run.id}" in facts.held}
    kept |= facts.serving
    # A run that goes on from another one needs the other one's work folder.
    for run in [facts.runs[identifier] for identifier in kept]:
        earlier = run.retry_of
        while earlier is not None and earlier not in kept:
            kept.add(earlier)
            earlier = facts.runs[earlier].retry_of
    seen: dict[tuple[str, str], int] = {}
    for run in reversed(list(facts.runs.values())):
        place = seen[run.project, run.spec_name] = seen.get((run.project, run.spec_name), 0) + 1
        if place <= retention.keep_last:
            kept.add(run.id)
    return kept


def _artifacts(facts: Facts, kept: set[str], retention: Retention, now: Milliseconds) -> Iterator[Garbage]:
    since = now - retention.artifacts_days * DAY
    used = {digest for run in facts.runs.values() if run.id in kept or run.end_time > since for digest in run.artifacts}
    for digest, project in facts.artifacts.items():
        subject = f"artifacts/{digest.removeprefix('sha256:')}"
        if digest not in used and subject not in facts.held:
            reason = f"no kept run uses it, and none that ended in the last {retention.artifacts_days} days"
            yield Garbage(kind=GarbageKind.ARTIFACT, subject=subject, project=project, reason=reason)


def _attempts(facts: Facts, kept: set[str], retention: Retention, now: Milliseconds) -> Iterator[Garbage]:
    checkpoints_since = now - retention.checkpoints_days * DAY
    logs_since = now - retention.logs_days * DAY
    for attempt in facts.attempts:
        run = facts.runs[attempt.run]
        # What is active or held is never touched. Of other kept runs a step that is done needs its checkpoints no more.
        if attempt.end_time is None or _untouchable(run, facts):
            continue
        if run.id not in kept and run.end_time <= logs_since:
            reason = f"its run ended more than {retention.logs_days} days ago, and nothing keeps it"
            yield Garbage(kind=GarbageKind.LOGS, subject=attempt.subject, project=run.project, reason=reason)
        elif attempt.end_time <= checkpoints_since and not (attempt.unfinished and run.id in kept):
            reason = f"the attempt ended more than {retention.checkpoints_days} days ago"
            yield Garbage(kind=GarbageKind.CHECKPOINTS, subject=attempt.subject, project=run.project, reason=reason)


def _untouchable(run: RunFact, facts: Facts) -> bool:
    return run.active or run.id in facts.serving or f"runs/{run.id}" in facts.held
