"""choose_parallelism: how each training step is spread, and the accumulation that follows from it."""

from dataclasses import replace

from tunewright.compiler.estimate.strategy import choose
from tunewright.compiler.facts import defaults
from tunewright.compiler.ir.resolved import Origin, Provenance, ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.provenance import place_text
from tunewright.compiler.passes.work import Work


def choose_parallelism(work: Work) -> Work:
    """Fill in strategy, processes and accumulation; each with its reason."""
    resolved = work.resolved
    if resolved is None:
        return work
    provenance = dict(resolved.provenance)
    steps = tuple(_chosen(work, step, provenance) for step in resolved.steps)
    return replace(work, resolved=replace(resolved, steps=steps, provenance=provenance))


def _chosen(work: Work, step: ResolvedStep, provenance: dict[str, Provenance]) -> ResolvedStep:
    body = step.body
    if not isinstance(body, ResolvedTrain):
        return step
    assert work.facts is not None
    path = f"steps.{step.name}.train"
    # Accumulation is not known yet; memory and time of one micro-batch do not depend on it.
    draft = replace(body, gradient_accumulation_steps=max(1, body.gradient_accumulation_steps))
    data = [work.facts.data[name] for name in body.data if name in work.facts.data]
    parallelism = choose(draft, machine.base_model(work), work.facts.hardware, data)
    written = work.document is not None and work.document.node(("steps", step.name, "train", "parallelism")) is not None
    origin = Origin.WRITTEN if written and body.parallelism.strategy != "auto" else Origin.DERIVED
    provenance[f"{path}.parallelism"] = Provenance(origin, parallelism.reason or parallelism.strategy)
    accumulation = body.gradient_accumulation_steps
    if accumulation:
        span = work.value_span("steps", step.name, "train", "gradient_accumulation_steps")
        provenance[f"{path}.gradient_accumulation_steps"] = Provenance(Origin.WRITTEN, place_text(span))
    else:
        rows = body.per_device_train_batch_size * parallelism.data_parallel
        accumulation = max(1, defaults.GLOBAL_BATCH // rows)
        provenance[f"{path}.gradient_accumulation_steps"] = Provenance(
            Origin.DERIVED, f"about {defaults.GLOBAL_BATCH} rows a step: {rows} at once x {accumulation}"
        )
    return replace(step, body=replace(body, parallelism=parallelism, gradient_accumulation_steps=accumulation))
