"""The level of determinism stands in the plan: in the step's identity, its parameters, its command."""

from collections.abc import Callable
from typing import Any


def test_bitwise_is_written_into_the_plan(compile_overlay: Callable[..., Any]) -> None:
    plan = compile_overlay("{determinism: bitwise, steps: {align: {train: {determinism: recorded}}}}").plan
    strict, loose = plan.step("sft"), plan.step("align")
    assert strict.identity["steps.sft.train.determinism"] == strict.parameters["determinism"] == "bitwise"
    assert {"MKL_CBWR", "OMP_DYNAMIC", "PYTHONHASHSEED"} <= strict.launch.command.env.keys()
    assert loose.parameters["determinism"] == "recorded"
    assert "MKL_CBWR" not in loose.launch.command.env


def test_another_level_is_another_step(compile_overlay: Callable[..., Any]) -> None:
    recorded, bitwise = (compile_overlay(text).plan.step("sft") for text in ("{}", "{determinism: bitwise}"))
    assert recorded.parameters["determinism"] == "recorded"
    assert recorded.digest != bitwise.digest


def test_on_cuda_bitwise_takes_attention_whose_sums_have_one_order(compile_overlay: Callable[..., Any]) -> None:
    step = compile_overlay("{determinism: bitwise, resources: {accelerator: a100-80gb}}").plan.step("sft")
    assert step.parameters["attention"] == "eager"
    assert step.launch.command.env["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_what_would_be_smaller_is_in_the_plan_cheapest_first(compile_overlay: Callable[..., Any]) -> None:
    step = compile_overlay("{resources: {accelerator: a100-80gb}}").plan.step("sft")
    savings = step.estimate.savings
    assert savings
    assert all(item.memory_bytes < step.estimate.memory_bytes for item in savings)
    assert any("per_device_train_batch_size" in item.change for item in savings)
    assert "max_length" in savings[-1].change or "qlora" in savings[-1].change, "what changes the result comes last"
