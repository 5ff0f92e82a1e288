"""Counts are exact: each equals the total that was published, or that PEFT printed."""

from dataclasses import replace

import pytest

from tunewright.compiler.estimate.parameters import (
    LinearShape,
    ShapeUnknownError,
    count_active_parameters,
    count_parameters,
    linear_shapes,
    lora_parameters,
)
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.ir.facts import ModelFacts


def model(hub_id: str) -> ModelFacts:
    facts = known_model(hub_id, f"hf://{hub_id}")
    assert facts is not None
    return facts


@pytest.mark.parametrize(
    ("hub_id", "total"),
    [
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 134_515_008),
        ("HuggingFaceTB/SmolLM2-360M", 361_821_120),
        ("HuggingFaceTB/SmolLM2-1.7B", 1_711_376_384),
        ("meta-llama/Llama-2-7b-hf", 6_738_415_616),
        ("meta-llama/Llama-2-70b-hf", 68_976_648_192),
        ("meta-llama/Llama-3.1-8B", 8_030_261_248),
        ("meta-llama/Llama-3.2-1B", 1_235_814_400),
        ("mistralai/Mistral-7B-v0.1", 7_241_732_096),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704),
        ("Qwen/Qwen-7B", 7_721_324_544),
        ("Qwen/Qwen2.5-0.5B", 494_032_768),
        ("Qwen/Qwen2.5-7B", 7_615_616_512),
        ("Qwen/Qwen2.5-72B", 72_706_203_648),
        ("Qwen/Qwen3-8B", 8_190_735_360),
        ("Qwen/Qwen3-30B-A3B", 30_532_122_624),
        ("Qwen/Qwen1.5-MoE-A2.7B", 14_315_784_192),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656),
        ("Qwen/Qwen2-VL-7B-Instruct", 8_291_375_616),
        ("google/gemma-2-9b", 9_241_705_984),
        ("microsoft/Phi-3-mini-4k-instruct", 3_821_079_552),
        ("deepseek-ai/DeepSeek-V3", 671_026_419_200),
        ("deepseek-ai/DeepSeek-V2-Lite", 15_706_484_224),
        ("openai/gpt-oss-20b", 20_914_757_184),
        ("baichuan-inc/Baichuan2-7B-Base", 7_505_973_248),
        ("THUDM/chatglm3-6b", 6_243_584_000),
    ],
)
def test_totals_as_published(hub_id: str, total: int) -> None:
    assert count_parameters(model(hub_id)) == total


@pytest.mark.parametrize(
    ("hub_id", "active"),
    [
        ("Qwen/Qwen3-30B-A3B", 3_353_032_704),
        ("mistralai/Mixtral-8x7B-v0.1", 12_879_925_248),
        ("Qwen/Qwen2.5-7B", 7_615_616_512),
    ],
)
def test_one_token_uses(hub_id: str, active: int) -> None:
    assert count_active_parameters(model(hub_id)) == active


@pytest.mark.parametrize(
    ("hub_id", "rank", "modules", "trained"),
    [
        ("Qwen/Qwen-7B", 8, ("c_attn",), 4_194_304),
        ("Qwen/Qwen-7B", 8, "all-linear", 17_891_328),
        ("Qwen/Qwen-7B", 8, ("c_attn", "c_proj", "w1", "w2"), 17_891_328),
        ("meta-llama/Llama-3.2-3B", 32, ("q_proj", "v_proj"), 9_175_040),
        ("meta-llama/Llama-3.2-3B", 10, ("gate_proj", "up_proj", "down_proj"), 9_461_760),
        ("Qwen/Qwen2.5-7B", 8, "all-linear", 20_185_088),
        ("meta-llama/Llama-3.1-8B", 8, "all-linear", 20_971_520),
        ("Qwen/Qwen3-30B-A3B", 8, "all-linear", 6_684_672),
        ("Qwen/Qwen2.5-7B", 8, ("no_such_module",), 0),
    ],
)
def test_lora_trains(hub_id: str, rank: int, modules: tuple[str, ...] | str, trained: int) -> None:
    assert lora_parameters(model(hub_id), rank, modules) == trained


def test_lora_on_experts_is_another_size() -> None:
    assert lora_parameters(model("Qwen/Qwen3-30B-A3B"), 8, "all-linear", experts=True) == 421_920_768


def test_dora_adds_a_magnitude_for_every_output() -> None:
    facts = model("meta-llama/Llama-3.1-8B")
    extra = lora_parameters(facts, 8, ["q_proj", "v_proj"], dora=True) - lora_parameters(facts, 8, ["q_proj", "v_proj"])
    assert extra == 32 * (4096 + 1024)


def test_linear_layers_by_name() -> None:
    shapes = linear_shapes(model("Qwen/Qwen3-30B-A3B"))
    assert shapes["q_proj"] == LinearShape(2048, 4096, 48)
    assert shapes["experts.down_proj"] == LinearShape(768, 2048, 48 * 128)
    assert "down_proj" not in shapes
    latent = linear_shapes(model("deepseek-ai/DeepSeek-V3"))
    assert latent["kv_a_proj_with_mqa"] == LinearShape(7168, 576, 61)
    assert (latent["gate_proj"].count, latent["shared_expert.gate_proj"].count) == (3, 58)
    assert "q_proj" not in latent


def test_fused_layers_are_one() -> None:
    shapes = linear_shapes(model("microsoft/Phi-3-mini-4k-instruct"))
    assert shapes["qkv_proj"] == LinearShape(3072, 3 * 3072, 32)
    assert shapes["gate_up_proj"] == LinearShape(3072, 2 * 8192, 32)


def test_an_unknown_shape_can_not_be_counted() -> None:
    with pytest.raises(ShapeUnknownError, match="hf://a/b"):
        count_parameters(ModelFacts(source="hf://a/b", origin="unknown"))
    with pytest.raises(ShapeUnknownError):
        count_parameters(replace(model("Qwen/Qwen2.5-7B"), vocab_size=None))
