"""lower_gate: gates and approvals -> steps that the engine itself performs."""

from dataclasses import replace

from tunewright.compiler.expressions import names_used
from tunewright.compiler.ir.plan import Gate, Limits, Step
from tunewright.compiler.ir.resolved import ResolvedApprove, ResolvedGate, ResolvedStep
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.work import Work


def lower_gate(work: Work) -> Work:
    """Add the plan steps of all gates and approvals."""
    if work.resolved is None:
        return work
    steps = [
        _lower(work, step) for step in work.resolved.steps if isinstance(step.body, ResolvedGate | ResolvedApprove)
    ]
    return replace(work, steps=(*work.steps, *steps))


def _lower(work: Work, step: ResolvedStep) -> Step:
    body = step.body
    limits = Limits(total_seconds=step.timeout_seconds, retries=0)
    if isinstance(body, ResolvedGate):
        measured = tuple(dict.fromkeys(path.split(".", 1)[0] for text in body.require for path in names_used(text)))
        return Step(
            name=step.name,
            verb=step.verb,
            kind=step.verb,
            limits=limits,
            summary="; ".join(body.require),
            gate=Gate(require=body.require, on_fail=body.on_fail),
            identity=lowering.identity_of(f"steps.{step.name}.gate", body),
            needs=measured,
            provenance=lowering.provenance_of(work, step.name, "gate"),
        )
    assert isinstance(body, ResolvedApprove)
    people = "1 person" if body.approvers == 1 else f"{body.approvers} people"
    return Step(
        name=step.name,
        verb=step.verb,
        kind=step.verb,
        limits=limits,
        summary=f"{people} of {body.role}",
        parameters={"role": body.role, "approvers": body.approvers, "expires_seconds": body.expires_seconds},
        identity=lowering.identity_of(f"steps.{step.name}.approve", body),
        not_executable="approval by people is not built yet",
        provenance=lowering.provenance_of(work, step.name, "approve"),
    )
