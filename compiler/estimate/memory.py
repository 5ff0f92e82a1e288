"""The estimate of a training step: memory, time and disk as the plan shows them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tunewright.compiler.estimate.footprint import TrainMemory, train_memory
from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.storage import ELEMENT_BYTES, optimizer_bytes, parameters_of
from tunewright.compiler.estimate.time import train_time
from tunewright.compiler.estimate.trained import head_parameters, trained_parameters
from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.compiler.ir.plan import Estimate
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.ir.tokens import TokenFacts


def estimate_train(
    train: ResolvedTrain,
    model: ModelFacts,
    hardware: HardwareFacts,
    data: Iterable[DataFacts],
    tokens: Sequence[TokenFacts] = (),
) -> Estimate:
    """Return what a training step with a settled strategy takes; an empty estimate when the model is unknown.

    `tokens` are the counted lengths of the same rows, where they were counted.
    `breakdown` adds up to `memory_bytes`; keys that begin with `host ` or `nvme ` come on top: states of one machine
    that were moved there.
    """
    if not has_shape(model):
        return Estimate()
    return _estimate(train, model, hardware, RowLengths.of(data).counted(tokens))


# An editor compiles with every keystroke, and a keystroke changes one step.
@lru_cache(maxsize=1024)
def _estimate(train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts, rows: RowLengths) -> Estimate:
    memory = train_memory(train, model, rows)
    trained = trained_parameters(train.tuner, model) + head_parameters(train, model)
    time = train_time(train, model, hardware, rows, trained)
    return Estimate(
        memory_bytes=memory.device_bytes,
        capacity_bytes=device_capacity(train, hardware),
        seconds=round(time.seconds, 1) if time else None,
        seconds_low=round(time.seconds_low, 1) if time else None,
        seconds_high=round(time.seconds_high, 1) if time else None,
        disk_bytes=disk_bytes(train, model, trained),
        breakdown=_breakdown(memory),
        trained_parameters=trained if _is_exact(train, model) else None,
    )


def _is_exact(train: ResolvedTrain, model: ModelFacts) -> bool:
    """Say whether the count of trained parameters is no estimate: new low-rank adapters on plain layers."""
    named = any(train.tuner.options.get(key) for key in ("target_pattern", "modules_to_save"))
    plain = not model.num_experts and not model.vision and train.from_step is None
    return train.tuner.is_low_rank and not named and plain


def device_capacity(train: ResolvedTrain, hardware: HardwareFacts) -> int | None:
    """Return the bytes one process may use: its accelerator's, or its part of the machine's; None when unknown."""
    if train.device != "cpu":
        return hardware.accelerator.memory_bytes if hardware.accelerator else None
    return hardware.memory_bytes // train.parallelism.processes_per_node or None


def disk_bytes(train: ResolvedTrain, model: ModelFacts, trained: int) -> int:
    """Return the bytes of the checkpoints that are kept, and of the result."""
    element = 4 if train.tuner.is_adapter else ELEMENT_BYTES[train.precision]
    sharded = train.parallelism.strategy in {"zero1", "zero2", "zero3", "fsdp2", "megatron"}
    state = 4 + optimizer_bytes(train.optim, 4) if sharded else optimizer_bytes(train.optim, element)
    saved = element * trained
    if not train.tuner.is_adapter:
        saved = element * parameters_of(model)
    return saved + train.save_total_limit * (saved + state * trained)


def _breakdown(memory: TrainMemory) -> dict[str, int]:
    moved = {"host": memory.host, "nvme": memory.disk}
    beside = {f"{where} {name}": size for where, parts in moved.items() for name, size in parts.items()}
    return {**memory.device, **beside}
