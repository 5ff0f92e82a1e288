"""Training memory of one process: model states, activations, loss, working sets, by strategy and offload.

All terms are the usual arithmetic of the frameworks; the few constants that were set on published measurements say so.
`benchmarks/estimate.py` scores the result against such measurements.
"""

from collections.abc import Mapping
from dataclasses import field

from tunewright.compiler.estimate.activations import LossMemory, kept_bytes, layer_bytes_per_token, loss_memory
from tunewright.compiler.estimate.parameters import linear_shapes
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.states import model_states
from tunewright.compiler.estimate.storage import ELEMENT_BYTES, weight_bytes
from tunewright.compiler.estimate.trained import stepped_parameters, trained_parameters
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.spec.methods import METHODS
from tunewright.spec.packed_weights import PACKED_METHODS
from tunewright.spec.record import record
from tunewright.spec.tuners import TUNERS

GIB = 2**30
MIB = 2**20

#: Memory reserved over memory in use: blocks of changing length leave gaps. Set on measurements.
_FRAGMENTED = {True: 1.06, False: 1.15}
#: Before the first tensor: the accelerator's context, more when processes talk; on a CPU Python and its libraries.
_CONTEXT_BYTES = 600 * MIB
_COLLECTIVES_BYTES = 500 * MIB
_PYTHON_BYTES = 750 * MIB


@record(kw_only=True)
class TrainMemory:
    """Bytes by name: on the device of one process; in host memory and on the disk of one machine for what was moved."""

    device: Mapping[str, int]
    host: Mapping[str, int]
    disk: Mapping[str, int] = field(default_factory=dict)

    @property
    def device_bytes(self) -> int:
        """Bytes on the device of one process."""
        return sum(self.device.values())

    @property
    def host_bytes(self) -> int:
        """Bytes in the host memory of one machine."""
        return sum(self.host.values())


def train_memory(
    train: ResolvedTrain, model: ModelFacts, rows: RowLengths, *, loss: LossMemory | None = None, master: str = "fp32"
) -> TrainMemory:
    """Return the memory of a training step whose strategy is settled; raise ShapeUnknownError for an unknown model.

    `loss` replaces what the loss takes in our own runner, for trainers that compute it otherwise; so does `master`
    for the number format in which they hold the weights that learn.
    """
    layout, tuner = train.parallelism, train.tuner
    trained = trained_parameters(train.tuner, model)
    states = model_states(
        train,
        model,
        trained=trained,
        stepped=stepped_parameters(train.tuner, model),
        shards=layout.shards,
        master=master,
    )
    tokens = METHODS[train.method].sequences * rows.peak_tokens(train) / layout.context_parallel
    element = ELEMENT_BYTES[train.precision]
    loss = loss or loss_memory(model, train.method, tokens, head_trained=not tuner.is_adapter, element_bytes=element)
    activations, with_loss = (tokens * size for size in _kept_per_token(train, model, loss.per_token))
    fragmented = _FRAGMENTED[train.packing]
    device = {
        "weights": states.weights,
        "gradients": states.gradients,
        "optimizer": states.optimizer,
        "activations": activations,
        "loss": with_loss - activations + loss.once / layout.tensor_parallel,
        "working set": states.working_set + max(0.0, states.step_peak - with_loss) + _dequantised(train, model),
        "reference": _reference_bytes(train, states.weights),
        "other models": _models_beside(train) * weight_bytes(model, precision=train.precision),
    }
    device["fragmentation"] = (fragmented - 1) * sum(device.values())
    device["runtime"] = _runtime_bytes(train)
    host = {name: int(size) for name, size in states.host.items() if size}
    disk = {name: int(size) for name, size in states.disk.items() if size}
    return TrainMemory(device={name: int(size) for name, size in device.items() if size >= 1}, host=host, disk=disk)


def _kept_per_token(train: ResolvedTrain, model: ModelFacts, loss_bytes: float) -> tuple[float, float]:
    """Return bytes a token of a micro-batch keeps, without and with the loss."""
    layout, element = train.parallelism, ELEMENT_BYTES[train.precision]
    eager_length = train.max_length if train.attention == "eager" else 0
    layer = layer_bytes_per_token(model, train.tuner, element_bytes=element, eager_length=eager_length)
    stages, degree = layout.pipeline_parallel, layout.tensor_parallel
    # The first stage has one micro-batch on its way for each stage, each through its own share of the blocks.
    layers = (model.num_hidden_layers or 0) * min(train.gradient_accumulation_steps, stages) / stages
    inputs = element * (model.hidden_size or 0) / (degree if layout.sequence_parallel else 1)
    without, whole = (
        kept_bytes(inputs, layer / degree, size / degree, layers, replayed=train.gradient_checkpointing)
        for size in (0.0, loss_bytes)
    )
    return without, whole


def _reference_bytes(train: ResolvedTrain, weights: float) -> float:
    # Adapters compare with their own base; otherwise a frozen copy of the weights is divided as they are.
    return 0 if train.tuner.is_adapter or not METHODS[train.method].compares(train.options) else weights


def _models_beside(train: ResolvedTrain) -> int:
    """Count the frozen models that a step asks: a teacher, reward models. Each counts as large as the base."""
    rewards = train.options.get("rewards")
    judges = sum("model" in reward for reward in rewards) if isinstance(rewards, tuple) else 0
    return judges + (train.options.get("teacher") is not None)


def _dequantised(train: ResolvedTrain, model: ModelFacts) -> float:
    held = TUNERS[train.tuner.type].base_bits is not None
    if not held and model.quantization not in PACKED_METHODS:
        return 0
    largest = max(shape.in_features * shape.out_features for shape in linear_shapes(model).values())
    # A 4-bit layer is expanded to 16 bits for every product, forwards and backwards; packed integers come out as words
    # of 32 bits, then as fp32, before they are what is multiplied.
    return (2 * 2 if held else 4 + 4 + 2) * largest


def _runtime_bytes(train: ResolvedTrain) -> int:
    if train.device == "cpu":
        return _PYTHON_BYTES
    return _CONTEXT_BYTES + (_COLLECTIVES_BYTES if train.parallelism.processes > 1 else 0)
