"""Model states: weights, gradients and optimizer of one process, and what a sharding strategy needs beside them."""

from collections.abc import Mapping
from dataclasses import field

from tunewright.compiler.estimate.storage import (
    ELEMENT_BYTES,
    NF4_BYTES,
    block_parameters,
    embedding_parameters,
    largest_parameter,
    optimizer_bytes,
    parameters_of,
    weight_bytes,
)
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.spec.record import record
from tunewright.spec.tuners import TUNERS

#: Elements DeepSpeed reduces at once, and keeps gathered at most (none of weights on a disk);
#: `targets/deepspeed.py` writes the same numbers.
REDUCE_BUCKET_ELEMENTS = 200_000_000
MAX_LIVE_PARAMETERS = 1_000_000_000
#: Elements that travel to a disk and back at once, and in how many buffers of host memory.
NVME_ELEMENTS = 100_000_000
NVME_PARAMETER_BUFFERS, NVME_OPTIMIZER_BUFFERS = 5, 4
_DEEPSPEED = frozenset({"zero1", "zero2", "zero3"})
#: Pinned buffers and copies on top of what is moved to the host, as DeepSpeed's own estimator has it.
_HOST_FACTOR = 1.5


@record(kw_only=True)
class ModelStates:
    """Bytes on one process; `step_peak` is needed only while the optimizer steps, when activations are gone.

    `host` and `disk` are bytes of one machine.
    """

    weights: float
    gradients: float
    optimizer: float
    working_set: float = 0.0
    step_peak: float = 0.0
    host: Mapping[str, float] = field(default_factory=dict)
    disk: Mapping[str, float] = field(default_factory=dict)


@record(kw_only=True)
class _Sizes:
    """What the strategies divide: all weights in bytes, trained parameters, bytes a trained one takes in each role."""

    weights: float
    trained: int
    stepped: int
    gradient: int
    state: int
    copies: float
    layer: float
    embeddings: int
    total: int
    experts: int
    largest: int


def model_states(
    train: ResolvedTrain, model: ModelFacts, *, trained: int, stepped: int, shards: int, master: str = "fp32"
) -> ModelStates:
    """Return the model states of one process among `shards` that share the data.

    `stepped`: the parameters for which the optimizer keeps state, where nothing divides it.
    `master` is the number format in which weights that learn are held where DeepSpeed does not keep a copy of its own.
    """
    sizes = _sizes(train, model, trained, stepped, master)
    match train.parallelism.strategy:
        case "zero1" | "zero2":
            return _partitioned_optimizer(train, sizes, shards)
        case "zero3":
            return _partitioned_parameters(train, sizes, shards)
        case "fsdp2":
            return _fully_sharded(train, sizes, shards)
        case "megatron":
            return _distributed_optimizer(train, sizes, shards)
        case "ddp" if train.parallelism.processes > 1:
            whole = _whole(train, sizes)
            # The reducer's buckets are a second copy of the gradients.
            return ModelStates(
                weights=whole.weights,
                gradients=whole.gradients,
                optimizer=whole.optimizer,
                working_set=whole.working_set + whole.gradients,
                step_peak=whole.step_peak,
            )
        case _:
            return _whole(train, sizes)


def _sizes(train: ResolvedTrain, model: ModelFacts, trained: int, stepped: int, master: str) -> _Sizes:
    tuner, element = train.tuner, ELEMENT_BYTES[train.precision]
    total, embeddings = parameters_of(model), embedding_parameters(model)
    copies = 0.0
    if tuner.is_adapter:
        # Adapters are held in 32 bits whatever the base is; PEFT casts what a 4-bit base leaves as it is too.
        linear = 1 if tuner.options.get("bits") == 8 else NF4_BYTES
        base = weight_bytes(model, precision="fp32", linear_bytes=linear) if TUNERS[tuner.type].base_bits else None
        weights: float = (weight_bytes(model, precision=train.precision) if base is None else base) + 4 * trained
        element = 4
    elif train.parallelism.strategy in _DEEPSPEED:
        weights = element * total
    else:
        short, element = element, ELEMENT_BYTES[master]
        weights = element * total
        copies = short * total if short < element else 0.0  # autocast keeps short copies until the pass is over
    layers = max(1, model.num_hidden_layers or 1)
    return _Sizes(
        weights=weights,
        trained=trained,
        stepped=stepped,
        gradient=element,
        state=optimizer_bytes(train.optim, element),
        copies=copies,
        layer=(total - embeddings) / layers,
        embeddings=embeddings,
        total=total,
        experts=block_parameters(model, prefix="experts."),
        largest=largest_parameter(model),
    )


def _whole(train: ResolvedTrain, sizes: _Sizes) -> ModelStates:
    # The default AdamW makes one more copy of all trained parameters while it steps; the fused one does not.
    step = sizes.gradient * sizes.trained if train.optim == "adamw_torch" else 0
    return ModelStates(
        weights=sizes.weights,
        gradients=sizes.gradient * sizes.trained,
        optimizer=sizes.state * sizes.stepped,
        working_set=sizes.copies,
        step_peak=step,
    )


def _master_and_states(train: ResolvedTrain) -> int:
    # DeepSpeed and FSDP step in 32 bits; with 32-bit training the weights are their own master copy.
    return optimizer_bytes(train.optim, 4) + (0 if train.precision == "fp32" else 4)


def _partitioned_optimizer(train: ResolvedTrain, sizes: _Sizes, shards: int) -> ModelStates:
    layout, element = train.parallelism, ELEMENT_BYTES[train.precision]
    bucket = 2 * element * min(REDUCE_BUCKET_ELEMENTS, sizes.trained)
    if layout.offload_optimizer == "cpu":
        host = (4 + element + _master_and_states(train)) * sizes.trained * _HOST_FACTOR / layout.nodes
        return ModelStates(
            weights=sizes.weights, gradients=0, optimizer=0, working_set=bucket, host={"optimizer": host}
        )
    whole_gradients = element * sizes.trained
    gradients = whole_gradients / shards if layout.strategy == "zero2" else whole_gradients
    return ModelStates(
        weights=sizes.weights,
        gradients=gradients + 4 * sizes.trained / shards,
        optimizer=_master_and_states(train) * sizes.trained / shards,
        working_set=bucket,
    )


def _partitioned_parameters(train: ResolvedTrain, sizes: _Sizes, shards: int) -> ModelStates:
    layout, element = train.parallelism, ELEMENT_BYTES[train.precision]
    weights = sizes.weights / shards
    # Half of what may stay gathered is, on average (set on measurements), and a layer and an embedding on top.
    kept = 0 if layout.offload_parameters == "nvme" else MAX_LIVE_PARAMETERS
    gathered = element * (min(sizes.total, kept) / 2 + sizes.layer + sizes.embeddings)
    gradients = (element + 4) * sizes.trained / shards
    optimizer = _master_and_states(train) * sizes.trained / shards
    host, disk, here = dict[str, float](), dict[str, float](), layout.processes_per_node
    match layout.offload_optimizer:
        case "cpu":
            host["optimizer"] = (gradients + optimizer) * here * _HOST_FACTOR
            gradients = optimizer = 0.0
        case "nvme":
            # Gradients wait for their step in host memory; states pass through buffers.
            waiting = element * sizes.trained / shards
            moving = NVME_OPTIMIZER_BUFFERS * 4 * min(NVME_ELEMENTS, sizes.trained / shards)
            host["optimizer"] = (waiting + moving) * here
            disk["optimizer"] = (gradients - waiting + optimizer) * here
            gradients = optimizer = 0.0
    match layout.offload_parameters:
        case "cpu":
            host["parameters"] = weights * here * _HOST_FACTOR
            weights = 0.0
        case "nvme":
            host["parameters"] = NVME_PARAMETER_BUFFERS * element * nvme_buffer_elements(sizes.largest, shards) * here
            disk["parameters"] = weights * here
            weights = 0.0
    return ModelStates(
        weights=weights, gradients=gradients, optimizer=optimizer, working_set=gathered, host=host, disk=disk
    )


def nvme_buffer_elements(largest: int, shards: int) -> int:
    """Return the elements of a buffer that holds one process's part of the largest parameter, in whole blocks."""
    block = 4096
    return max(NVME_ELEMENTS, -(-largest // (shards * block)) * block)


def _fully_sharded(train: ResolvedTrain, sizes: _Sizes, shards: int) -> ModelStates:
    element = ELEMENT_BYTES[train.precision]
    frozen = train.tuner.is_adapter
    gathered = 2 * element * sizes.layer + element * sizes.embeddings
    if not frozen:
        gathered += 4 * (sizes.layer + sizes.embeddings)  # gradients are reduced in 32 bits, a layer at a time
    weights = sizes.weights / shards
    gradients = sizes.gradient * sizes.trained / shards
    optimizer = sizes.state * sizes.trained / shards
    layout = train.parallelism
    if layout.offloads:
        # Shards of all three live in host memory; there is no moving only one of them.
        host = {"model states": (weights + gradients + optimizer) * layout.processes_per_node}
        return ModelStates(weights=0, gradients=0, optimizer=0, working_set=gathered, host=host)
    return ModelStates(weights=weights, gradients=gradients, optimizer=optimizer, working_set=gathered)


def _distributed_optimizer(train: ResolvedTrain, sizes: _Sizes, shards: int) -> ModelStates:
    layout = train.parallelism
    shared = (sizes.total - sizes.experts) / (layout.tensor_parallel * layout.pipeline_parallel)
    mine = shared + sizes.experts / (layout.expert_parallel * layout.pipeline_parallel)
    trained = mine * sizes.trained / sizes.total
    return ModelStates(
        weights=2 * mine,
        gradients=4 * trained,
        optimizer=(4 + optimizer_bytes(train.optim, 4)) * trained / shards,
    )
