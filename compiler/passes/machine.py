"""What the machine of the plan is good at: device, number format, threads."""

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.ir.facts import Facts, ModelFacts
from tunewright.compiler.passes.work import Work


def base_model(work: Work) -> ModelFacts:
    """Return the facts of the base model (an unknown one when nothing could be gathered)."""
    assert work.spec is not None
    assert work.facts is not None
    source = work.spec.base.model
    return work.facts.models.get(source, ModelFacts(source=source, origin="unknown"))


def device(facts: Facts) -> str:
    """Return the device that work runs on: cpu, cuda, npu or mps."""
    accelerator = facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    return known.backend if known else "cpu"


def precision(facts: Facts, *, full: bool = False) -> tuple[str, str]:
    """Return the number format for a computation and the reason; `full`: all weights learn."""
    accelerator = facts.hardware.accelerator
    if accelerator is None:
        if full:
            return "fp32", "all weights learn on a CPU"
        return "bf16", "weights in bf16 are fastest on a CPU"
    known = accelerator_model(accelerator.name)
    if known is None or known.bf16:
        return "bf16", f"{accelerator.name} computes in bf16"
    return ("fp32" if full else "fp16"), f"{accelerator.name} has no bf16"


def threads(facts: Facts) -> int:
    """Return the CPU threads of one process."""
    return max(1, facts.hardware.cpu_cores)
