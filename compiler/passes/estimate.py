"""estimate: what each step will take in memory and time."""

from dataclasses import replace

from tunewright.compiler.estimate.memory import estimate_train
from tunewright.compiler.estimate.serve import estimate_deploy, estimate_evaluate, estimate_export
from tunewright.compiler.ir.plan import Estimate
from tunewright.compiler.ir.resolved import (
    ResolvedDeploy,
    ResolvedEvaluate,
    ResolvedExport,
    ResolvedQuantize,
    ResolvedStep,
    ResolvedTrain,
)
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work


def estimate(work: Work) -> Work:
    """Give every resolved step its estimate."""
    if work.resolved is None:
        return work
    steps = tuple(replace(step, estimate=_estimate(work, step)) for step in work.resolved.steps)
    return replace(work, resolved=replace(work.resolved, steps=steps))


def _estimate(work: Work, step: ResolvedStep) -> Estimate:
    assert work.facts is not None
    model, hardware = machine.base_model(work), work.facts.hardware
    match step.body:
        case ResolvedTrain():
            data = [work.facts.data[name] for name in step.body.data if name in work.facts.data]
            tokens = [work.facts.tokens[name] for name in step.body.data if name in work.facts.tokens]
            return estimate_train(step.body, model, hardware, data, tokens if len(tokens) == len(data) else ())
        case ResolvedEvaluate():
            suites = [work.facts.suites[name] for name in step.body.suites if name in work.facts.suites]
            return estimate_evaluate(step.body, model, hardware, suites)
        case ResolvedExport():
            return estimate_export(step.body, model, hardware)
        case ResolvedDeploy():
            return estimate_deploy(step.body, model, hardware, _quantize(work, step.body.model))
        case _:
            return Estimate()


def _quantize(work: Work, name: str) -> ResolvedQuantize | None:
    """Return how the step that makes a served model quantises it, None when it does not."""
    step = work.resolved.step(name) if work.resolved else None
    return step.body.quantize if step and isinstance(step.body, ResolvedExport) else None
