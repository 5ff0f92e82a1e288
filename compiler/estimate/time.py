"""Training time: rows to tokens, tokens to arithmetic, arithmetic and traffic to seconds. A prior, not a promise."""

import math

from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.storage import ELEMENT_BYTES, parameters_of
from tunewright.compiler.estimate.throughput import training_flops, training_rate
from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.ir.facts import HardwareFacts, ModelFacts
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedTrain
from tunewright.spec.methods import METHODS
from tunewright.spec.record import record

#: From the start of a process to its first step.
START_SECONDS = 10.0
#: What a step costs beside arithmetic: the Python around it.
_STEP_SECONDS = 0.1
#: Rows of a micro-batch are padded to its longest one.
_PADDING = 1.25
_LINK_SHARE = 0.65
#: Bytes a second between machines and to the host, for each process; parameters a second of Adam on one host core.
_NETWORK_BANDWIDTH = 15e9
_HOST_BANDWIDTH = 20e9
#: Bytes a second of one machine's local disk, as its makers state for reading in large blocks, halved.
_NVME_BANDWIDTH = 3e9
_HOST_ADAM_PARAMETERS = 80e6
#: A reply is generated token by token: weights are read for each, and arithmetic waits for them.
_GENERATION_FACTOR = 10.0
#: transformers runs experts one after the other, and ZeRO-3 gathers each of them: seen ten times slower.
_MIXTURE_FACTOR = 10.0


@record(kw_only=True)
class TrainTime:
    """Seconds expected, with the ends of the range; `tokens_per_second` over all processes."""

    seconds: float
    seconds_low: float
    seconds_high: float
    tokens_per_second: float


def train_time(
    train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts, rows: RowLengths, trained: int
) -> TrainTime | None:
    """Return how long a training step with a settled strategy takes; None when neither rows nor steps are known."""
    steps = optimizer_steps(train, rows)
    if steps is None:
        return None
    rate = training_rate(hardware, device=train.device, precision=train.precision, threads=train.threads)
    tokens = _micro_batch_tokens(train, rows)
    micro_batches = steps * train.gradient_accumulation_steps
    traffic = _micro_batch_traffic(train, model, hardware)
    each_step = _STEP_SECONDS + _step_traffic(train, hardware, trained)

    def total(flops_per_second: float) -> float:
        compute = tokens * _flops(train, model, rows) / flops_per_second
        return START_SECONDS + micro_batches * max(compute, traffic) + steps * each_step

    expected = total(rate.expected)
    return TrainTime(
        seconds=expected,
        seconds_low=total(rate.high),
        seconds_high=total(rate.low),
        tokens_per_second=micro_batches
        * tokens
        * train.parallelism.data_parallel
        / max(1e-9, expected - START_SECONDS),
    )


def optimizer_steps(train: ResolvedTrain, rows: RowLengths) -> int | None:
    """Return how many optimizer steps are made, or None when the number of rows is not known."""
    if train.max_steps is not None:
        return train.max_steps
    if rows.rows is None:
        return None
    method = METHODS[train.method]
    kept = rows.rows * (1 - train.evaluation_share) * method.replies_per_row(train.options) * method.uses(train.options)
    if train.packing:
        kept = math.ceil(kept * rows.tokens_per_row(train) / train.max_length)
    return max(1, math.ceil(kept * train.num_train_epochs / train.global_batch_size))


def _micro_batch_tokens(train: ResolvedTrain, rows: RowLengths) -> float:
    sequences = train.per_device_train_batch_size * METHODS[train.method].sequences
    if train.packing:
        return sequences * train.max_length
    padded = rows.tokens_per_row(train) * (_PADDING if train.per_device_train_batch_size > 1 else 1.0)
    return sequences * min(float(train.max_length), padded)


def _flops(train: ResolvedTrain, model: ModelFacts, rows: RowLengths) -> float:
    length = train.max_length if train.packing else rows.tokens_per_row(train)
    flops = training_flops(model, length, adapter=train.tuner.is_adapter, replayed=train.gradient_checkpointing)
    if METHODS[train.method].compares(train.options):  # the reference, or the base with adapters off, runs forward only
        forwards = 4.0 if train.gradient_checkpointing else 3.0
        flops *= 1 + 1 / forwards
    if (reply := rows.reply_tokens(train)) > 0:
        forwards = 4.0 if train.gradient_checkpointing else 3.0
        share = min(1.0, reply / length) / METHODS[train.method].uses(train.options)
        flops *= 1 + _GENERATION_FACTOR * share / forwards
    layout = train.parallelism
    flops /= layout.context_parallel
    if layout.strategy == "megatron":
        flops /= layout.tensor_parallel * layout.pipeline_parallel
    if model.num_experts and layout.strategy == "zero3":
        flops *= _MIXTURE_FACTOR
    return flops


def _micro_batch_traffic(train: ResolvedTrain, model: ModelFacts, hardware: HardwareFacts) -> float:
    """Return seconds of communication for a micro-batch, which hides behind arithmetic where that takes longer."""
    layout = train.parallelism
    if layout.strategy not in {"zero3", "fsdp2"} or layout.processes < 2:
        return 0.0
    gathers = 2.0 if train.tuner.is_adapter else 3.0
    volume = gathers * ELEMENT_BYTES[train.precision] * parameters_of(model)
    seconds = volume / _link_bandwidth(train, hardware)
    seconds += volume / layout.processes / _away_bandwidth(layout.offload_parameters, layout)  # each its own shard
    return seconds


def _step_traffic(train: ResolvedTrain, hardware: HardwareFacts, trained: int) -> float:
    """Return seconds between the last backward pass and the next forward pass."""
    layout, element = train.parallelism, ELEMENT_BYTES[train.precision]
    seconds = 0.0
    if layout.processes > 1 and layout.strategy in {"ddp", "zero1", "zero2", "megatron"}:
        seconds += 2.0 * element * trained / _link_bandwidth(train, hardware)
    if layout.offload_optimizer != "none":
        moved = 2.0 * element * trained / (layout.processes * _HOST_BANDWIDTH)
        if layout.offload_optimizer == "nvme":  # master copy and both moments, read and written
            moved += 2.0 * 12 * trained / layout.processes / _away_bandwidth("nvme", layout)
        cores = max(1, hardware.cpu_cores) * max(1, layout.nodes)
        seconds += moved + trained / (_HOST_ADAM_PARAMETERS * cores)
    return seconds


def _away_bandwidth(where: str, layout: ResolvedParallelism) -> float:
    """Return bytes a second between one process and where its states are kept; a disk is shared by its machine."""
    match where:
        case "cpu":
            return _HOST_BANDWIDTH
        case "nvme":
            return _NVME_BANDWIDTH / layout.processes_per_node
        case _:
            return math.inf


def _link_bandwidth(train: ResolvedTrain, hardware: HardwareFacts) -> float:
    if train.parallelism.nodes > 1:
        return _NETWORK_BANDWIDTH
    known = accelerator_model(hardware.accelerator.name) if hardware.accelerator else None
    return _LINK_SHARE * (known.interconnect_bandwidth or 1e9) if known else 5e9
