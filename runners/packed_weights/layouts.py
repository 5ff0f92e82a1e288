"""THE table of packed forms: which tensors a linear layer has in each, and what its weight is.

Each form holds groups of `group_size` inputs that share a scale and a zero point: weight = (integer - zero) * scale.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.runners.packed_weights.integers import unpack
from tunewright.spec.packed_weights import Packing

_WORD = 32
#: AWQ lays eight integers of a word in this order, for its kernels' sake.
_AWQ_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)


#: What the scales are called.
SCALES = ("scales", "weight_scale")

#: Name -> shape and number format ("int32", "int64", "scale") of a layer's tensors.
Tensors = Mapping[str, tuple[tuple[int, ...], str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One form: `marker` is the tensor by which a packed layer is known in the files, `weight` is [out, in] in fp32."""

    marker: str
    tensors: Callable[[Packing, int, int], Tensors]
    weight: Callable[[Any, Packing], Any]


def _gptq_tensors(packing: Packing, inputs: int, outputs: int) -> Tensors:
    groups = packing.groups(inputs)
    return {
        "qweight": ((inputs * packing.bits // _WORD, outputs), "int32"),
        "qzeros": ((groups, outputs * packing.bits // _WORD), "int32"),
        "scales": ((groups, outputs), "scale"),
        "g_idx": ((inputs,), "int32"),
    }


def _gptq_weight(layer: Any, packing: Packing) -> Any:
    integers = unpack(layer.qweight.T, packing.bits)
    zeros = unpack(layer.qzeros, packing.bits)
    if not packing.plain_zeros:
        zeros = (zeros + 1) & ((1 << packing.bits) - 1)
    of_input = layer.g_idx.long()
    return (integers - zeros.T[:, of_input]) * layer.scales.float().T[:, of_input]


def _awq_tensors(packing: Packing, inputs: int, outputs: int) -> Tensors:
    groups, words = packing.groups(inputs), outputs * packing.bits // _WORD
    return {
        "qweight": ((inputs, words), "int32"),
        "qzeros": ((groups, words), "int32"),
        "scales": ((groups, outputs), "scale"),
    }


def _awq_weight(layer: Any, packing: Packing) -> Any:
    def in_order(words: Any) -> Any:
        return unpack(words, packing.bits).unflatten(-1, (-1, len(_AWQ_ORDER)))[..., _AWQ_ORDER].flatten(-2)

    integers, zeros = in_order(layer.qweight), in_order(layer.qzeros)
    grouped = integers.unflatten(0, (zeros.shape[0], -1))
    weight = (grouped - zeros[:, None]) * layer.scales.float()[:, None]
    return weight.flatten(0, 1).T


def _compressed_tensors(packing: Packing, inputs: int, outputs: int) -> Tensors:
    groups = packing.groups(inputs)
    found = {
        "weight_packed": ((outputs, inputs * packing.bits // _WORD), "int32"),
        "weight_scale": ((outputs, groups), "scale"),
        "weight_shape": ((2,), "int64"),
    }
    zeros = {"weight_zero_point": ((outputs * packing.bits // _WORD, groups), "int32")}
    return found if packing.symmetric else found | zeros


def _compressed_weight(layer: Any, packing: Packing) -> Any:
    middle = 1 << (packing.bits - 1)
    integers = unpack(layer.weight_packed, packing.bits) - middle
    grouped = integers.unflatten(1, (layer.weight_scale.shape[1], -1))
    if not packing.symmetric:
        grouped = grouped - (unpack(layer.weight_zero_point.T, packing.bits) - middle).T[:, :, None]
    return (grouped * layer.weight_scale.float()[:, :, None]).flatten(1)


LAYOUTS: Mapping[str, Layout] = {
    "gptq": Layout(marker="qweight", tensors=_gptq_tensors, weight=_gptq_weight),
    "awq": Layout(marker="qweight", tensors=_awq_tensors, weight=_awq_weight),
    "compressed-tensors": Layout(marker="weight_packed", tensors=_compressed_tensors, weight=_compressed_weight),
}
