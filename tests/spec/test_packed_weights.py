"""What a model's `quantization_config` says of packed weights, and what can't be read."""

from typing import Any

import pytest

from tunewright.spec.packed_weights import Packing, UnreadableWeightsError, packing_of

SCHEME = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": True}
COMPRESSED: dict[str, Any] = {
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": SCHEME, "input_activations": None}},
}


@pytest.mark.parametrize(
    ("settings", "packing"),
    [
        ({"quant_method": "gptq", "bits": 4}, Packing(method="gptq", bits=4, group_size=128)),
        (
            {"quant_method": "gptq", "bits": 8, "group_size": -1, "checkpoint_format": "gptq_v2"},
            Packing(method="gptq", bits=8, group_size=-1, plain_zeros=True),
        ),
        (
            {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "GEMM"},
            Packing(method="awq", bits=4, group_size=64),
        ),
        (COMPRESSED, Packing(method="compressed-tensors", bits=4, group_size=128, symmetric=True)),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, None),
    ],
)
def test_says_how_weights_are_packed(settings: dict[str, Any], packing: Packing | None) -> None:
    assert packing_of(settings) == packing


def _scheme(**changes: Any) -> dict[str, Any]:
    return COMPRESSED | {"config_groups": {"group_0": {"weights": SCHEME | changes}}}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"quant_method": "aqlm"}, "need the package aqlm"),
        ({"quant_method": "gptq", "bits": 5}, "gptq weights in 5 bits"),
        ({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"}, "in the form `marlin`"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {"+:.*": {"bits": 8}}}, "in other bits by layer"),
        ({"quant_method": "gptq", "bits": 4, "pack_dtype": "int16"}, "in words of int16"),
        ({"quant_method": "awq", "bits": 4, "version": "gemv"}, "in the form `gemv`"),
        ({"quant_method": "awq", "bits": 4, "zero_point": False}, "without zero points"),
        (COMPRESSED | {"format": "float-quantized"}, "in the form `float-quantized`"),
        (COMPRESSED | {"config_groups": {}}, "in several ways by layer"),
        (COMPRESSED | {"kv_cache_scheme": {"num_bits": 8}}, "with a quantised cache"),
        (_scheme(type="float"), "that are not integers"),
        (_scheme(strategy="tensor"), "by tensor"),
        (_scheme(actorder="group"), "in groups by activation"),
    ],
)
def test_says_what_can_not_be_read(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnreadableWeightsError, match=problem):
        packing_of(settings)
