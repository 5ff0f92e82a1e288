"""What a model's configuration says of weights that are quantised already, and whether they can be read here.

The compiler asks before a step is planned, runners when they load. Standard library only.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tunewright.spec.record import record

#: Method -> the package that alone reads its weights; no environment here holds them.
_FOREIGN = {
    "aqlm": "aqlm",
    "auto-round": "auto-round",
    "eetq": "eetq",
    "fbgemm_fp8": "fbgemm-gpu",
    "higgs": "flute",
    "hqq": "hqq",
    "quanto": "optimum-quanto",
    "quark": "amd-quark",
    "spqr": "spqr_quant",
    "torchao": "torchao",
    "vptq": "vptq",
}
#: Methods whose integers stay packed here, and are unpacked for each product.
PACKED_METHODS = ("gptq", "awq", "compressed-tensors")
_BITS = {"gptq": (2, 3, 4, 8), "awq": (4,), "compressed-tensors": (4, 8)}


@record(kw_only=True)
class Packing:
    """How the linear layers of one model are packed: groups of inputs share a scale and a zero point.

    `group_size`: in inputs, -1 for all of a layer's. `symmetric`: the zero point is the middle, and not stored where
    the form allows that. `plain_zeros`: GPTQ's second form, whose zero points are not stored one too low.
    """

    method: str
    bits: int
    group_size: int
    symmetric: bool = False
    plain_zeros: bool = False

    def groups(self, in_features: int) -> int:
        """Return the number of groups along a layer's inputs."""
        return 1 if self.group_size < 1 else -(-in_features // self.group_size)


class UnreadableWeightsError(ValueError):
    """Quantised weights of a form that nothing here reads; the message says what about them."""


def packing_of(settings: Mapping[str, Any]) -> Packing | None:
    """Return how weights are packed that a `quantization_config` describes; None where transformers reads them itself.

    Raises UnreadableWeightsError.
    """
    method = str(settings.get("quant_method"))
    if method in _FOREIGN:
        raise UnreadableWeightsError(f"weights quantised with {method} need the package {_FOREIGN[method]}")
    if method not in _READERS:
        return None
    packing = _READERS[method](settings)
    if packing.bits not in _BITS[method]:
        raise _unreadable(method, f"in {packing.bits} bits")
    return packing


def _gptq(settings: Mapping[str, Any]) -> Packing:
    form = settings.get("checkpoint_format") or settings.get("format") or "gptq"
    if form not in ("gptq", "gptq_v2"):
        raise _unreadable("gptq", f"in the form `{form}`")
    if settings.get("dynamic"):
        raise _unreadable("gptq", "in other bits by layer")
    if settings.get("pack_dtype", "int32") != "int32":
        raise _unreadable("gptq", f"in words of {settings['pack_dtype']}")
    return Packing(
        method="gptq",
        bits=_number(settings.get("bits")),
        group_size=_number(settings.get("group_size", 128)),
        plain_zeros=form == "gptq_v2",
    )


def _awq(settings: Mapping[str, Any]) -> Packing:
    form = str(settings.get("version") or settings.get("format") or "gemm").lower()
    if form != "gemm":
        raise _unreadable("awq", f"in the form `{form}`")
    if settings.get("zero_point") is False:
        raise _unreadable("awq", "without zero points")
    return Packing(
        method="awq", bits=_number(settings.get("bits")), group_size=_number(settings.get("group_size", 128))
    )


def _compressed(settings: Mapping[str, Any]) -> Packing:
    method, groups = "compressed-tensors", settings.get("config_groups")
    schemes = list(groups.values()) if isinstance(groups, Mapping) else []
    form = settings.get("format")
    weights = schemes[0].get("weights") if len(schemes) == 1 and isinstance(schemes[0], Mapping) else None
    if form != "pack-quantized" or not isinstance(weights, Mapping):
        raise _unreadable(method, f"in the form `{form}`" if form != "pack-quantized" else "in several ways by layer")
    for what, present in (
        ("with activations quantised too", schemes[0].get("input_activations")),
        ("with a quantised cache", settings.get("kv_cache_scheme")),
        ("with transforms", settings.get("transform_config")),
        ("made sparse", (settings.get("sparsity_config") or {}).get("format", "dense") != "dense"),
        ("in groups by activation", weights.get("actorder") == "group"),
        ("that are not integers", weights.get("type", "int") != "int"),
        (f"by {weights.get('strategy')}", weights.get("strategy") not in ("group", "channel")),
    ):
        if present:
            raise _unreadable(method, what)
    return Packing(
        method=method,
        bits=_number(weights.get("num_bits")),
        group_size=_number(weights.get("group_size") or -1),
        symmetric=weights.get("symmetric") is not False,
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Packing]] = {
    "gptq": _gptq,
    "awq": _awq,
    "compressed-tensors": _compressed,
}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _unreadable(method: str, what: str) -> UnreadableWeightsError:
    return UnreadableWeightsError(f"{method} weights {what} can't be read here")
