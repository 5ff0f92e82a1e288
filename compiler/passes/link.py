"""link: plan steps in order, with everything each needs and the digest that decides about reuse."""

from dataclasses import replace

from tunewright.compiler.ir.plan import Step
from tunewright.compiler.passes.work import Work
from tunewright.spec.canonical import digest_of


def link(work: Work) -> Work:
    """Order the steps, add the gates above to their needs, compute digests from identities and upstream digests."""
    if work.references is None:
        return work
    by_name = {step.name: step for step in work.steps}
    written = work.references.order
    # What the compiler adds comes first, in the order in which it was added: it waits for nothing that is written.
    order = [name for name in by_name if name not in written] + [name for name in written if name in by_name]
    linked: dict[str, Step] = {}
    for name in order:
        step = by_name[name]
        needs = tuple(dict.fromkeys([*step.needs, *work.references.needs.get(name, ())]))
        linked[name] = _sealed(replace(step, needs=needs), linked)
    return replace(work, steps=tuple(linked.values()))


def _sealed(step: Step, done: dict[str, Step]) -> Step:
    """A result follows from what a step is and from what it reads: gates above only say whether it may start."""
    reads = {item.step for item in step.inputs.values() if item.step}
    if step.gate is not None:
        reads |= set(step.needs) & {name for name, other in done.items() if other.verb == "evaluate"}
    upstream = {f"step.{name}": done[name].digest for name in sorted(reads) if name in done}
    identity = {**step.identity, **_model_folders(step), **upstream}
    return replace(step, identity=identity, digest=digest_of({"kind": step.kind, "identity": identity}))


def _model_folders(step: Step) -> dict[str, str | None]:
    """Return what binds the content of models that no step makes: their path may hold other weights tomorrow."""
    outside = {key: item.digest for key, item in step.inputs.items() if item.role == "model" and item.step is None}
    return {"base.model" if key == "model" else f"input.{key}": digest for key, digest in outside.items()}
