"""Megatron: what must divide what, and the settings of its model."""

import pytest

from tunewright.compiler.targets.fsdp import accelerate_settings
from tunewright.compiler.targets.megatron import megatron_arguments, misfits, padded_vocabulary

LLAMA, QWEN, MIXTURE = "meta-llama/Llama-3.1-70B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B"


@pytest.mark.parametrize(
    ("hub_id", "processes", "layout", "key"),
    [
        (QWEN, 8, {"tensor_parallel": 8}, "tensor_parallel"),  # 28 heads, 4 key-value heads
        (QWEN, 8, {"pipeline_parallel": 8}, "pipeline_parallel"),  # 28 layers
        (QWEN, 6, {"tensor_parallel": 4}, "processes"),
        (QWEN, 8, {"expert_parallel": 2}, "expert_parallel"),  # no experts
        (MIXTURE, 6, {"expert_parallel": 3}, "expert_parallel"),  # 128 experts
        (QWEN, 2, {"sequence_parallel": True}, "sequence_parallel"),
        (LLAMA, 16, {"tensor_parallel": 8, "nodes": 4}, "tensor_parallel"),
        (QWEN, 3, {"context_parallel": 3}, "context_parallel"),
        (QWEN, 2, {"pipeline_parallel": 2, "virtual_pipeline_parallel": 3}, "virtual_pipeline_parallel"),
        (QWEN, 2, {"virtual_pipeline_parallel": 2}, "virtual_pipeline_parallel"),  # one stage
        (LLAMA, 8, {"pipeline_parallel": 8, "virtual_pipeline_parallel": 2}, "virtual_pipeline_parallel"),
        (MIXTURE, 8, {"tensor_parallel": 2, "expert_parallel": 4}, "sequence_parallel"),
        (MIXTURE, 12, {"pipeline_parallel": 2, "expert_parallel": 4}, "expert_parallel"),  # six processes a stage
    ],
)
def test_misfits_are_found(hub_id, processes, layout, key, train, model) -> None:
    step = train("megatron", processes, layout=layout)
    assert key in {misfit.key for misfit in misfits(step, model(hub_id))}


@pytest.mark.parametrize(
    ("hub_id", "processes", "layout"),
    [
        (LLAMA, 8, {"tensor_parallel": 4, "pipeline_parallel": 2}),
        (MIXTURE, 8, {"tensor_parallel": 2, "expert_parallel": 4, "sequence_parallel": True}),
        (QWEN, 8, {"pipeline_parallel": 2, "virtual_pipeline_parallel": 2}),
        (QWEN, 4, {"tensor_parallel": 2, "sequence_parallel": True}),
    ],
)
def test_layouts_that_fit_are_left_alone(hub_id, processes, layout, train, model) -> None:
    assert list(misfits(train("megatron", processes, layout=layout), model(hub_id))) == []


def test_the_vocabulary_is_padded_for_every_rank() -> None:
    assert padded_vocabulary(128_256, 4) == 128_512
    assert padded_vocabulary(512, 4) == 512


def test_settings_of_a_70b_model_on_eight_cards(train, model, full) -> None:
    step = train("megatron", 8, tuner=full, layout={"tensor_parallel": 4, "pipeline_parallel": 2})
    settings = megatron_arguments(step, model(LLAMA))
    transformer = settings["model"]
    assert (transformer["num_layers"], transformer["num_query_groups"], transformer["gated_linear_unit"]) == (
        80,
        8,
        True,
    )
    assert (transformer["tensor_model_parallel_size"], transformer["pipeline_model_parallel_size"]) == (4, 2)
    assert transformer["recompute_granularity"] == "full"
    assert settings["schedule"]["global_batch_size"] == 16
    assert settings["optimizer"]["use_distributed_optimizer"] is False


def test_experts_are_named(train, model, full) -> None:
    settings = megatron_arguments(train("megatron", 8, tuner=full, layout={"expert_parallel": 8}), model(MIXTURE))
    assert settings["model"]["num_moe_experts"] == 128
    assert settings["model"]["moe_router_topk"] == 8


def test_fsdp_is_the_libraries_on_cards_and_our_own_on_processors(train) -> None:
    assert accelerate_settings(train("fsdp2", 2, device="cpu")) == {}
    settings = accelerate_settings(train("fsdp2", 2, layout={"offload_parameters": "cpu"}))
    assert settings == {"fsdp_config": {"version": 2, "reshard_after_forward": True, "cpu_offload": True}}
