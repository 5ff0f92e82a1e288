"""Kernels are chosen by device, family and what the environment holds; what does not fit is said at once."""

import pytest

from tunewright.compiler.ir.facts import EnvironmentFacts

SPEC = """
api_version: tunewright/v1
name: kernels
base: {{model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}}
data: {{rows: {{source: "file:rows.jsonl"}}}}
steps:
  sft: {{train: {{method: sft, data: rows, kernels: {kernels}, tuner: {tuner}, parallelism: single}}}}
resources: {{accelerator: {accelerator}}}
"""
WITH_BOTH = {
    "train": EnvironmentFacts(name="train", digest="sha256:0", installed=True, packages=("liger-kernel", "unsloth"))
}


@pytest.mark.parametrize(
    ("accelerator", "tuner", "held", "chosen"),
    [
        ("cpu", "lora", False, "fused"),
        ("cpu", "galore", True, "plain"),
        ("a100-80gb", "lora", False, "plain"),
        ("a100-80gb", "lora", True, "liger"),
        ("a100-80gb", "full", True, "liger"),
        ("a100-80gb", "prefix", True, "plain"),
    ],
)
def test_auto_takes_what_fits(compile_spec, accelerator, tuner, held, chosen) -> None:
    text = SPEC.format(kernels="auto", tuner=tuner, accelerator=accelerator)
    compilation = compile_spec(text, **({"environments": WITH_BOTH} if held else {}))
    (step,) = [step for step in compilation.plan.steps if step.kind == "train.trl"]
    assert step.parameters["kernels"] == chosen


@pytest.mark.parametrize(
    ("kernels", "tuner", "accelerator", "held", "problem"),
    [
        ("liger", "lora", "cpu", True, "they are for cuda"),
        ("liger", "prompt", "a100-80gb", True, "the tuner `prompt`"),
        ("liger", "lora", "a100-80gb", False, "does not hold `liger-kernel`"),
        ("unsloth", "full", "a100-80gb", True, "the tuner `full`"),
        ("unsloth", "lora", "a100-80gb", False, "does not hold `unsloth`"),
    ],
)
def test_what_does_not_fit_is_an_error(compile_spec, kernels, tuner, accelerator, held, problem) -> None:
    text = SPEC.format(kernels=kernels, tuner=tuner, accelerator=accelerator)
    found = compile_spec(text, **({"environments": WITH_BOTH} if held else {})).diagnostics
    assert [item for item in found if item.code == "TW3060" and problem in item.primary.text], found


def test_unsloth_is_planned_and_not_executable(compile_spec) -> None:
    text = SPEC.format(kernels="unsloth", tuner="lora", accelerator="a100-80gb")
    plan = compile_spec(text, environments=WITH_BOTH).plan
    (step,) = [step for step in plan.steps if step.kind == "train.trl"]
    assert "Unsloth" in (step.not_executable or "")
