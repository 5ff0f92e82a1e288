"""Training time: steps from rows, seconds from arithmetic, and how they must move."""

from dataclasses import replace

import pytest

from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.throughput import forward_flops, training_flops
from tunewright.compiler.estimate.time import optimizer_steps, train_time

QWEN = "Qwen/Qwen2.5-7B-Instruct"
SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
ROWS = RowLengths(rows=1000, longest_tokens=512, mean_tokens=200.0)


def test_steps_follow_from_rows_epochs_and_batch(train) -> None:
    assert optimizer_steps(train(), ROWS) == 188  # 3 x 1000 / 16, rounded up
    assert optimizer_steps(train(max_steps=7), ROWS) == 7
    assert optimizer_steps(train("ddp", 4), ROWS) == 47
    assert optimizer_steps(train(evaluation_share=0.5), ROWS) == 94
    assert optimizer_steps(train(packing=True), ROWS) == 19  # 98 full sequences an epoch


def test_time_is_unknown_without_rows_and_steps(train, model, machine) -> None:
    assert train_time(train(), model(QWEN), machine("a100-80gb"), RowLengths(), 0) is None


def test_a_token_costs_two_operations_a_parameter_forward(model) -> None:
    smol = model(SMOL)
    assert forward_flops(smol, 0) == pytest.approx(2 * 134_515_008, rel=0.01)
    assert training_flops(smol, 0, adapter=False, replayed=False) == 3 * forward_flops(smol, 0)
    assert training_flops(smol, 0, adapter=True, replayed=True) == 3 * forward_flops(smol, 0)


def test_a_small_model_on_two_cores_is_near_what_was_seen(train, model, machine) -> None:
    """LoRA of SmolLM2 in bf16 with batches of 4 x 128 tokens: 433 tokens a second were seen on two quiet cores."""
    step = train(device="cpu", threads=2, max_length=128, packing=True, gradient_checkpointing=False, max_steps=25)
    time = train_time(step, model(SMOL), machine("cpu"), RowLengths(), 0)
    assert time is not None
    assert time.tokens_per_second == pytest.approx(433, rel=0.2)
    assert time.seconds_low < time.seconds < time.seconds_high


def test_more_rows_take_longer_and_more_accelerators_shorter(train, model, machine) -> None:
    one = train_time(train("ddp", 1), model(QWEN), machine("a100-80gb", 1), ROWS, 40_000_000)
    more = train_time(train("ddp", 1), model(QWEN), machine("a100-80gb", 1), replace(ROWS, rows=4000), 40_000_000)
    spread = train_time(train("ddp", 8), model(QWEN), machine("a100-80gb", 8), ROWS, 40_000_000)
    assert spread.seconds < one.seconds < more.seconds


def test_offload_and_machines_apart_cost_time(train, model, machine, full) -> None:
    qwen = model(QWEN)
    offload = {"offload_optimizer": "cpu", "offload_parameters": "cpu"}
    near = train_time(train("zero3", 16, tuner=full), qwen, machine("a100-80gb", 16), ROWS, 7_600_000_000)
    far = train_time(
        train("zero3", 16, tuner=full, layout={"nodes": 2}), qwen, machine("a100-80gb", 8, nodes=2), ROWS, 7_600_000_000
    )
    moved = train_time(
        train("zero3", 16, tuner=full, layout=offload), qwen, machine("a100-80gb", 16), ROWS, 7_600_000_000
    )
    assert near.seconds < far.seconds
    assert near.seconds < moved.seconds
