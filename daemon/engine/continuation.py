"""Go on from a checkpoint with another setting: from what was asked to the order of a new run."""

import asyncio
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tunewright.compiler.ir.amendment import CHANGEABLE, AmendmentError, Continuation, amend
from tunewright.compiler.ir.plan import Plan, plan_from_json
from tunewright.daemon.compile import Compiled, Compiler, Submitted
from tunewright.daemon.engine.admission import Order
from tunewright.daemon.engine.ledger import Ledger
from tunewright.daemon.engine.states import RunRecord, StepRecord, StepState
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.store import events, runs
from tunewright.spec.codes import Severity
from tunewright.spec.source import SourceFile

_UNFINISHED = frozenset({StepState.PAUSED, StepState.FAILED, StepState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was asked for: `setting=value` texts for one training step; `step` may be empty. Who and why are told."""

    step: str
    sets: tuple[str, ...]
    by: str
    reason: str
    request_id: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class Continuations:
    """Compiles the changed plan and holds it to the old one."""

    compiler: Compiler
    ledger: Ledger

    async def order(self, old: RunRecord, change: Change, folders: tuple[Path, ...] | None) -> Order:
        """Return the order of a run that goes on from `old`'s last checkpoint; raise RefusedError.

        `folders` are where files of the spec may lie; None for anywhere.
        """
        step = _step(old, change.step)
        settings = tuple(_setting(text) for text in change.sets)
        origin = self._origin(old, step, change)
        plan_json, spec_text = runs.texts(self._reader, old.id)
        before = plan_from_json(json.loads(plan_json))
        sets = (*old.sets, *(f"steps.{step.name}.train.{text}" for text in change.sets))
        submitted = Submitted(
            text=spec_text,
            path=old.spec_path,
            base_directory=Path(old.base_directory),
            profile=old.profile or None,
            sets=sets,
            variables=before.lock.get("variables") or {},
            # What a hub has moved on to since is not what the checkpoint came from.
            lock=SourceFile("life.lock", json.dumps(before.lock, ensure_ascii=False)) if before.lock else None,
            folders=folders,
            project=old.project,
        )
        after = _plan(await asyncio.to_thread(self.compiler, submitted))
        try:
            plan = amend(before, after, step.name, settings, origin)
        except AmendmentError as error:
            message = f"run {old.id} can't go on like this: {error}"
            raise RefusedError("PLAN_CHANGED", message, run=old.id, step=step.name) from error
        return Order(
            project=old.project,
            plan=plan,
            spec_text=spec_text,
            spec_path=old.spec_path,
            base_directory=old.base_directory,
            request_id=change.request_id,
            request_digest=change.request_digest,
            retry_of=old.id,
        )

    def _origin(self, run: RunRecord, step: StepRecord, change: Change) -> Continuation:
        found = run
        # A run that is itself a retry may have stopped before its own first checkpoint: it went on from older ones.
        while (written := events.latest(self._reader, found.id, step.name, "checkpoint")) is None:
            earlier = self.ledger.get(found.retry_of) if found.retry_of else None
            if earlier is None:
                message = (
                    f"step {step.name} of run {run.id} has no checkpoint to go on from: run the changed spec instead"
                )
                raise RefusedError("CHECKPOINT_MISSING", message, run=run.id, step=step.name)
            found = earlier
        checkpoint = json.loads(written)
        return Continuation(
            run=found.id,
            step_digest=found.step(step.name).digest,
            checkpoint_step=int(checkpoint["step"]),
            checkpoint_digest=checkpoint.get("digest"),
            by=change.by,
            reason=change.reason,
        )

    @property
    def _reader(self) -> sqlite3.Connection:
        return self.ledger.database.read


def _step(run: RunRecord, wanted: str) -> StepRecord:
    found = [step for step in run.steps if step.verb == "train" and step.attempt and step.state in _UNFINISHED]
    if wanted:
        found = [step for step in found if step.name == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(step.name for step in found) or "none"
    message = f"`step` must name one training step of run {run.id} that began and did not finish ({names})"
    raise RefusedError("FIELD_INVALID", message, field="step")


def _setting(text: str) -> str:
    name, equals, _ = text.partition("=")
    setting = name.partition(".")[0]
    if not equals or setting not in CHANGEABLE:
        message = f"`{text[:100]}` can't change at a checkpoint: `sets` are SETTING=VALUE with {', '.join(CHANGEABLE)}"
        raise RefusedError("FIELD_INVALID", message, field="sets")
    return setting


def _plan(compiled: Compiled) -> Plan:
    if compiled.plan is not None:
        return compiled.plan
    first = next(item for item in compiled.diagnostics if item.severity is Severity.ERROR)
    message = f"with this change the spec has an error: {first.code} {first.message}"
    raise RefusedError("SPEC_INVALID", message, diagnostics=compiled.diagnostics)
