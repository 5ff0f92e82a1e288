"""What would make a training step smaller: single changes to the spec, with the memory and the time they lead to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tunewright.compiler.estimate.memory import estimate_train
from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.compiler.ir.plan import Estimate, Saving
from tunewright.compiler.ir.resolved import ResolvedTrain, ResolvedTuner
from tunewright.spec.tuners import TUNERS

_SHORTEST = 256
_WHOLE_PROCESSES = ("ddp", "zero1", "zero2")


def with_savings(
    estimate: Estimate, train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts, data: Iterable[DataFacts]
) -> Estimate:
    """Return the estimate with the changes that need less memory, the quickest first; what changes the result last."""
    if estimate.memory_bytes is None:
        return estimate
    rows, found = tuple(data), list[tuple[bool, Saving]]()
    for change, changed, same_result in _changes(train):
        smaller = estimate_train(changed, model, hardware, rows)
        if smaller.memory_bytes is not None and smaller.memory_bytes < estimate.memory_bytes:
            saving = Saving(change=change, memory_bytes=smaller.memory_bytes, seconds=smaller.seconds)
            found.append((same_result, saving))
    found.sort(key=lambda item: (not item[0], item[1].seconds or 0.0, item[1].memory_bytes))
    return replace(estimate, savings=tuple(saving for _, saving in found))


def _changes(train: ResolvedTrain) -> Iterator[tuple[str, ResolvedTrain, bool]]:
    """Yield (what to write, the step with it, whether the same is learnt as before)."""
    if not train.gradient_checkpointing:
        yield "`gradient_checkpointing: true`", replace(train, gradient_checkpointing=True), True
    if train.per_device_train_batch_size > 1:
        for size in dict.fromkeys((train.per_device_train_batch_size // 2, 1)):
            accumulation = train.gradient_accumulation_steps * train.per_device_train_batch_size // size
            words = f"`per_device_train_batch_size: {size}` with `gradient_accumulation_steps: {accumulation}`"
            smaller = replace(train, per_device_train_batch_size=size, gradient_accumulation_steps=accumulation)
            yield words, smaller, True
            if size == 1 and not train.gradient_checkpointing:
                both = replace(smaller, gradient_checkpointing=True)
                yield f"{words} and `gradient_checkpointing: true`", both, True
    layout = train.parallelism
    if layout.processes > 1 and layout.strategy in _WHOLE_PROCESSES and "fsdp2" in TUNERS[train.tuner.type].strategies:
        sharded = replace(layout, strategy="fsdp2", offload_optimizer="none", offload_parameters="none")
        yield "`parallelism: fsdp2`", replace(train, parallelism=sharded), True
    yield from _learning_less(train)


def _learning_less(train: ResolvedTrain) -> Iterator[tuple[str, ResolvedTrain, bool]]:
    if train.tuner.type == "full":
        adapter = ResolvedTuner(type="lora", rank=16, alpha=32.0, target_modules=("all-linear",))
        yield "`tuner: lora`", replace(train, tuner=adapter), False
    if train.tuner.type == "lora" and train.parallelism.strategy in ("single", "ddp"):
        yield "`tuner: {type: qlora}`", replace(train, tuner=replace(train.tuner, type="qlora")), False
    if train.max_length // 2 >= _SHORTEST:
        length = train.max_length // 2
        yield f"`max_length: {length}` (longer rows are cut)", replace(train, max_length=length), False
