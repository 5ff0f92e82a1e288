"""Bytes a weight: the published figures of each form."""

import pytest

from tunewright.compiler.estimate.storage import (
    NF4_BYTES,
    block_parameters,
    embedding_parameters,
    optimizer_bytes,
    parameters_of,
    quantized_bytes,
    weight_bytes,
)


def test_nf4_with_double_quantisation_saves_what_its_paper_says() -> None:
    saved_bits = (0.5 + 4 / 64 - NF4_BYTES) * 8
    assert saved_bits == pytest.approx(0.373, abs=0.001)


@pytest.mark.parametrize(("bits", "group_size", "expected"), [(4, 128, 0.5195), (8, 128, 1.0234), (4, 0, 0.5)])
def test_grouped_integers(bits, group_size, expected) -> None:
    assert quantized_bytes(bits, group_size) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("optim", "element", "expected"),
    [("adamw_torch", 4, 8), ("adamw_torch", 2, 4), ("adamw_bnb_8bit", 4, 2), ("sgd", 4, 0)],
)
def test_optimizer_state(optim, element, expected) -> None:
    assert optimizer_bytes(optim, element) == expected


def test_a_whole_model_in_16_bits_takes_two_bytes_a_parameter(model) -> None:
    qwen = model("Qwen/Qwen2.5-7B-Instruct")
    assert weight_bytes(qwen, precision="bf16") == 2 * 7_615_616_512


def test_quantisation_touches_the_linear_layers_inside_blocks_only(model) -> None:
    qwen = model("Qwen/Qwen2.5-7B-Instruct")
    outside = parameters_of(qwen) - block_parameters(qwen)
    assert outside >= embedding_parameters(qwen)
    expected = 2 * outside + 0.5195 * block_parameters(qwen)
    assert weight_bytes(qwen, precision="bf16", linear_bytes=quantized_bytes(4, 128)) == pytest.approx(
        expected, rel=1e-3
    )
