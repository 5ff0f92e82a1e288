"""choose_kernels: how each training step's layers are computed, once its device and strategy are settled."""

from dataclasses import replace

from tunewright.compiler.ir.resolved import Origin, Provenance, ResolvedTrain
from tunewright.compiler.passes.work import Work

#: Strategies under which every process holds whole layers whenever it computes.
WHOLE_LAYERS = frozenset({"single", "ddp", "zero1", "zero2"})


def choose_kernels(work: Work) -> Work:
    """Fill in `kernels` where the spec leaves it to us; each with its reason."""
    resolved = work.resolved
    if resolved is None:
        return work
    provenance, steps = dict(resolved.provenance), []
    for step in resolved.steps:
        body = step.body
        if isinstance(body, ResolvedTrain) and body.kernels == "auto":
            kernels, reason = _kernels(body)
            provenance[f"steps.{step.name}.train.kernels"] = Provenance(Origin.DERIVED, reason)
            body = replace(body, kernels=kernels)
        steps.append(replace(step, body=body))
    return replace(work, resolved=replace(resolved, steps=tuple(steps), provenance=provenance))


def unfit(train: ResolvedTrain) -> str | None:
    """Say why fused kernels can't compute a step, or None when they can."""
    if train.device != "cpu":
        return f"they are for processors, and this step runs on {train.device}"
    if not train.tuner.is_low_rank:
        return f"they are for frozen layers with low-rank adapters, and the tuner is `{train.tuner.type}`"
    if train.parallelism.strategy not in WHOLE_LAYERS:
        return f"under `{train.parallelism.strategy}` no process holds whole layers"
    return None


def _kernels(train: ResolvedTrain) -> tuple[str, str]:
    problem = unfit(train)
    return ("plain", problem) if problem else ("fused", "frozen layers and their adapters in one pass each on a CPU")
