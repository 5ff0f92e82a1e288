"""A training step that goes on from its checkpoint with another setting: a plan that says so.

What it produces is neither what the old plan produces nor what the changed one would from the start. So the checkpoint,
the digest of the step that wrote it and the change all enter the step's identity, and with it the digest of everything
that reads its result: no reuse ever takes one for the other.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunewright.compiler.ir.plan import Plan, Step, seal
from tunewright.spec.canonical import digest_of
from tunewright.spec.record import record

#: Settings of `train` that may change at a checkpoint. Data, seed, model and schedule length may not: what the
#: optimizer and the position in the data mean would be another.
CHANGEABLE = ("learning_rate", "max_grad_norm", "watch", "save_steps", "save_total_limit", "logging_steps")


@record(kw_only=True)
class Continuation:
    """From where a step goes on: run and digest of the step that wrote the checkpoint, the checkpoint's optimizer step
    and, where known, its tree digest; who asked and why.
    """

    run: str
    step_digest: str
    checkpoint_step: int
    checkpoint_digest: str | None
    by: str = ""
    reason: str = ""


class AmendmentError(ValueError):
    """The changed plan differs from the old one in more than was asked for; the message names what."""


def amend(old: Plan, new: Plan, name: str, asked: tuple[str, ...], origin: Continuation) -> Plan:
    """Return the plan in which step `name` goes on with the settings of `new`.

    Raises AmendmentError when nothing differs, or more than the settings in `asked`.
    """
    changed = _changed_values(old, new, name, asked)
    done: dict[str, Step] = {}
    for step in new.steps:
        own = _continued(step, changed, origin) if step.name == name else _as_before(step, old.step(step.name))
        done[step.name] = _relinked(own, done)
    return seal(replace(new, steps=tuple(done.values())))


def _changed_values(old: Plan, new: Plan, name: str, asked: tuple[str, ...]) -> dict[str, Any]:
    """Compare the identities: they say by path what decides about each result."""
    prefixes = tuple(f"steps.{name}.train.{setting}" for setting in asked)
    if [step.name for step in old.steps] != [step.name for step in new.steps]:
        raise AmendmentError("the plan has other steps")
    for before, after in zip(old.steps, new.steps, strict=True):
        for path in sorted(before.identity.keys() | after.identity.keys()):
            same = before.identity.get(path) == after.identity.get(path)
            own = before.name == name and path.startswith(prefixes)
            if not same and not own and not path.startswith("step.") and path != _mark(before.name):
                raise AmendmentError(f"{path} is not what it was when the checkpoint was written")
    was, now = old.step(name).parameters, new.step(name).parameters
    changed = {
        setting: {"from": was.get(setting), "to": now.get(setting)}
        for setting in asked
        if was.get(setting) != now.get(setting)
    }
    if not changed:
        raise AmendmentError("nothing would change")
    return changed


def _continued(step: Step, changed: Mapping[str, Any], origin: Continuation) -> Step:
    identity = {
        "step_digest": origin.step_digest,
        "checkpoint_step": origin.checkpoint_step,
        "checkpoint_digest": origin.checkpoint_digest,
        "changed": dict(changed),
    }
    told = f"checkpoint {origin.checkpoint_step} of run {origin.run}"
    asked = f"resumed by {origin.by}" if origin.by else "resumed"
    because = f": {origin.reason}" if origin.reason else ""
    return replace(
        step,
        summary=f"{step.summary}, from {told}",
        parameters={**step.parameters, "continued": {**identity, "run": origin.run, "by": origin.by}},
        identity={**step.identity, _mark(step.name): identity},
        provenance={**step.provenance, "continued": f"written: {asked} at {told}{because}"},
    )


def _as_before(step: Step, old: Step) -> Step:
    """A step that went on from a checkpoint in the old run is still that step."""
    if _mark(old.name) not in old.identity:
        return step
    return replace(
        step,
        summary=old.summary,
        parameters={**step.parameters, "continued": old.parameters["continued"]},
        identity={**step.identity, _mark(old.name): old.identity[_mark(old.name)]},
        provenance={**step.provenance, "continued": old.provenance["continued"]},
    )


def _mark(step: str) -> str:
    return f"steps.{step}.continued"


def _relinked(step: Step, done: Mapping[str, Step]) -> Step:
    upstream = {
        path: done[path.removeprefix("step.")].digest
        for path in step.identity
        if path.startswith("step.") and path.removeprefix("step.") in done
    }
    identity = {**step.identity, **upstream}
    return replace(step, identity=identity, digest=digest_of({"kind": step.kind, "identity": identity}))
