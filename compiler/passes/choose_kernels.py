"""choose_kernels: how each training step's layers are computed, once its device and strategy are settled."""

from dataclasses import replace

from tunewright.compiler.facts.kernels import KERNELS
from tunewright.compiler.ir.resolved import Origin, Provenance, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.spec.suggest import listed
from tunewright.spec.tuners import TUNERS

#: What `auto` tries, the fastest first, with what it says of it.
_BEST = (
    ("fused", "frozen layers and their adapters in one pass each on a CPU"),
    ("liger", "norms, activations and rotations in one pass each on an accelerator"),
)


def choose_kernels(work: Work) -> Work:
    """Fill in `kernels` where the spec leaves it to us; each with its reason."""
    resolved = work.resolved
    if resolved is None:
        return work
    provenance, steps = dict(resolved.provenance), []
    for step in resolved.steps:
        body = step.body
        if isinstance(body, ResolvedTrain) and body.kernels == "auto":
            kernels, reason = _kernels(work, body)
            provenance[f"steps.{step.name}.train.kernels"] = Provenance(Origin.DERIVED, reason)
            body = replace(body, kernels=kernels)
        steps.append(replace(step, body=body))
    return replace(work, resolved=replace(resolved, steps=tuple(steps), provenance=provenance))


def unfit(work: Work, train: ResolvedTrain, kernels: str) -> str | None:
    """Say why kernels can't compute a step, or None when they can."""
    assert work.facts is not None
    wanted, family = KERNELS[kernels], machine.base_model(work).model_type
    environment = work.facts.environments.get("train")
    if wanted.devices and train.device not in wanted.devices:
        return f"they are for {listed(sorted(wanted.devices), 3)}, and this step runs on {train.device}"
    if kernels not in TUNERS[train.tuner.type].kernels:
        return f"they don't compute what the tuner `{train.tuner.type}` needs"
    if wanted.strategies and train.parallelism.strategy not in wanted.strategies:
        return f"under `{train.parallelism.strategy}` no process holds what they compute"
    if kernels != "plain" and train.parallelism.context_parallel > 1:
        return "they compute whole sequences"
    if wanted.methods and train.method not in wanted.methods:
        return f"they are for {listed(sorted(wanted.methods), 3)}, and this is {train.method}"
    if wanted.families and family not in wanted.families:
        return f"they don't know the family `{family}`"
    if wanted.package and (environment is None or wanted.package not in environment.packages):
        return f"the `train` environment does not hold `{wanted.package}`"
    return None


def _kernels(work: Work, train: ResolvedTrain) -> tuple[str, str]:
    problems = []
    for kernels, reason in _BEST:
        problem = unfit(work, train, kernels)
        if problem is None:
            return kernels, reason
        if train.device in KERNELS[kernels].devices:
            problems.append(f"{kernels}: {problem}")
    return "plain", "; ".join(problems) or f"there are no others for {train.device}"
