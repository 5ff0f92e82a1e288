"""Bytes a parameter takes: as a weight at rest, as a gradient, as optimizer state."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from tunewright.compiler.estimate.parameters import count_parameters, linear_shapes
from tunewright.compiler.ir.facts import ModelFacts

#: NF4 with double quantisation: 4 bits, an 8-bit scale for 64 weights, a 32-bit scale for 256 of those.
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)

#: Bytes of an element of a number format.
ELEMENT_BYTES: Mapping[str, int] = MappingProxyType({"fp32": 4, "bf16": 2, "fp16": 2})

#: Elements of state that an optimizer keeps for every trained parameter.
_STATE_ELEMENTS = {"adamw_torch": 2, "adamw_torch_fused": 2, "adafactor": 0, "sgd": 0}
#: Optimizers whose two states are one byte each, whatever the parameter is.
_BYTE_OPTIMIZERS = frozenset({"adamw_bnb_8bit", "paged_adamw_8bit"})


def quantized_bytes(bits: int, group_size: int) -> float:
    """Return bytes a weight of grouped integers takes: the bits, and for each group a 16-bit scale and a zero point."""
    return bits / 8 + (2 + bits / 8) / group_size if group_size else bits / 8


def optimizer_bytes(optim: str, element_bytes: int) -> int:
    """Return bytes of optimizer state for a trained parameter held in `element_bytes`."""
    if optim in _BYTE_OPTIMIZERS:
        return 2
    return _STATE_ELEMENTS.get(optim, 2) * element_bytes


@lru_cache(maxsize=64)
def block_parameters(model: ModelFacts, *, prefix: str = "") -> int:
    """Return how many weights linear layers inside blocks have, those that quantisation touches; `prefix` selects."""
    shapes = [shape for name, shape in linear_shapes(model).items() if name.startswith(prefix)]
    return sum(shape.in_features * shape.out_features * shape.count for shape in shapes)


def embedding_parameters(model: ModelFacts) -> int:
    """Return the parameters of the embedding table, and of the output head where it is not the same."""
    return (model.vocab_size or 0) * (model.hidden_size or 0) * (1 if model.tie_word_embeddings else 2)


def largest_parameter(model: ModelFacts) -> int:
    """Return the elements of the largest tensor; gates and up projections of all experts of a block are one."""
    inside = max(shape.in_features * shape.out_features for shape in linear_shapes(model).values())
    experts = 2 * model.num_experts * model.moe_intermediate_size * (model.hidden_size or 0)
    return max(inside, experts, (model.vocab_size or 0) * (model.hidden_size or 0))


def parameters_of(model: ModelFacts) -> int:
    """Return the number of parameters: as the model's files say it, else counted from its shape."""
    return model.num_parameters or count_parameters(model)


def weight_bytes(model: ModelFacts, *, precision: str, linear_bytes: float | None = None) -> int:
    """Return bytes of all weights; `linear_bytes` is what one inside a block takes where these are quantised."""
    if linear_bytes is None and model.quantization and model.weight_bytes:
        return model.weight_bytes  # quantised already: the files are what is loaded
    total, inside = parameters_of(model), block_parameters(model)
    element = ELEMENT_BYTES[precision]
    return int((total - inside) * element + inside * (element if linear_bytes is None else linear_bytes))
