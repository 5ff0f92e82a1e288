"""Every method learns, every tuner learns, and what they leave can be loaded."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train


def test_sft_learns_and_leaves_a_whole_adapter(sft: Any) -> None:
    summary = sft.summary
    assert summary["loss_last"] < summary["loss_first"] - 0.5
    assert summary["steps"] == 6
    assert summary["tokens"] > 0
    assert summary["trainable_parameters"] == 16384
    assert sft.of("artifact")[-1]["role"] == "adapter"
    left = {path.name for path in sft.outputs.iterdir()}
    assert left >= {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "chat_template.jinja"}
    assert not any(name.endswith(".bin") for name in left), "no pickles"
    record = json.loads((sft.outputs / "tunewright.json").read_text())
    assert record["method"] == "sft"
    assert record["base_model_digest"] == f"sha256:{'0' * 64}"
    assert record["packages"]["trl"]


def test_the_artifact_names_no_folder_of_this_machine(sft: Any) -> None:
    for path in sft.outputs.iterdir():
        assert str(sft.bundle.parent).encode() not in path.read_bytes(), path.name


def test_events_say_how_far_it_is_and_how_it_goes(sft: Any) -> None:
    assert sft.of("progress")[-1]["done"] == 6
    metric = sft.of("metric")[0]["values"]
    assert {"loss", "learning_rate", "grad_norm", "tokens_per_second", "memory_bytes"} <= metric.keys()
    checkpoints = sft.of("checkpoint")
    assert [event["step"] for event in checkpoints] == [2, 4, 6]
    assert checkpoints[0]["digest"].startswith("sha256:")
    kept = sorted(path.name for path in (sft.bundle / "work/checkpoints").glob("checkpoint-*"))
    assert kept == ["checkpoint-4", "checkpoint-6"]


@pytest.mark.parametrize(
    ("method", "first_loss"), [("dpo", math.log(2)), ("kto", 0.5), ("orpo", None)], ids=["dpo", "kto", "orpo"]
)
def test_preferences_are_learnt_from_the_sft_adapter(
    trainer: Any, sft: Any, parts: Any, method: str, first_loss: float | None, tensors_of: Any
) -> None:
    """DPO and KTO start at the loss that policy = reference gives: the reference is the adapter as it came in."""
    aligned = trainer.run(method, parts["preferences"], {"method": method}, adapter=sft.outputs)
    summary = aligned.summary
    assert summary["loss_last"] < summary["loss_first"] - 0.02
    if first_loss is not None:
        assert summary["loss_first"] == pytest.approx(first_loss, abs=1e-4)
        assert summary["reward_margin"] > 0.05, "the policy has left its reference"
    assert not (aligned.outputs / "ref").exists(), "the frozen copy is not part of the artifact"
    assert tensors_of(sft.outputs, aligned.outputs) > 1e-3


def test_pairs_are_learnt_beside_their_better_reply(trainer: Any, parts: Any) -> None:
    changes = {"method": "dpo", "options": {"sft_weight": 0.5}, "max_steps": 3}
    trained = trainer.run("dpo-sft", parts["preferences"], changes)
    assert trained.summary["loss_first"] > math.log(2) + 0.1
    assert trained.summary["loss_last"] < trained.summary["loss_first"]


def test_every_reply_is_learnt_under_a_schedule_with_a_lowest_rate(trainer: Any) -> None:
    schedule = {"lr_scheduler_type": "cosine_with_min_lr", "min_lr_rate": 0.5, "warmup_steps": 2}
    adam = {"adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-6, "neftune_noise_alpha": 1.0}
    trained = trainer.run("replies", {"loss_on": "replies"}, schedule, adam)
    assert trained.summary["loss_last"] < trained.summary["loss_first"] - 0.05
    values = [event["values"] for event in trained.of("metric")]
    rates = [line["learning_rate"] for line in values if "learning_rate" in line]
    assert rates[0] < 1e-2
    assert max(rates) == pytest.approx(1e-2)
    assert 5e-3 <= rates[-1] < 1e-2


def test_instructions_are_learnt_as_plain_text(trainer: Any) -> None:
    data = {"rows": {"format": "instruction", "prompt_template": "Q: {instruction}\nA: "}}
    trained = trainer.run("template", {"data": data, "max_steps": 4})
    assert trained.summary["loss_last"] < trained.summary["loss_first"] - 0.3


@pytest.mark.parametrize("kind", ["dora", "rslora", "qlora"])
def test_every_kind_of_adapter_learns(trainer: Any, kind: str) -> None:
    tuner = {"type": kind, "rank": 4, "alpha": 8, "dropout": 0.05, "target_modules": ["q_proj", "v_proj", "up_proj"]}
    trained = trainer.run(kind, {"tuner": tuner, "precision": "bf16", "gradient_checkpointing": kind == "dora"})
    assert trained.summary["loss_last"] < trained.summary["loss_first"] - 0.05
    settings = json.loads((trained.outputs / "adapter_config.json").read_text())
    assert settings["use_dora"] == (kind == "dora")
    assert settings["use_rslora"] == (kind == "rslora")
    assert settings["target_modules"] == ["q_proj", "up_proj", "v_proj"]


def test_a_pattern_chooses_layers_and_embeddings_learn_in_full(trainer: Any) -> None:
    choice = {"target_pattern": r".*\.0\.(self_attn|mlp)\.(q|up)_proj", "modules_to_save": ["lm_head"]}
    tuner = {"type": "lora", "rank": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear", "options": choice}
    trained = trainer.run("pattern", {"tuner": tuner, "max_steps": 3})
    assert trained.summary["loss_last"] < trained.summary["loss_first"]
    settings = json.loads((trained.outputs / "adapter_config.json").read_text())
    assert settings["modules_to_save"] == ["lm_head"]
    assert settings["target_modules"] == choice["target_pattern"]


def test_adapters_learn_on_a_base_held_in_eight_bits(trainer: Any) -> None:
    tuner = {
        "type": "qlora",
        "rank": 4,
        "alpha": 8,
        "dropout": 0.0,
        "target_modules": "all-linear",
        "options": {"bits": 8},
    }
    trained = trainer.run("eight-bits", {"tuner": tuner, "precision": "bf16", "max_steps": 3})
    assert trained.summary["loss_last"] < trained.summary["loss_first"]


def test_full_training_in_bf16_leaves_a_bf16_model(trainer: Any, parts: Any) -> None:
    changes = {"precision": "bf16", "evaluation_share": 0.1, "loss_on": "all"}
    trained = trainer.run("full-bf16", parts["full"], changes)
    assert trained.summary["loss_last"] < trained.summary["loss_first"] - 0.3
    assert trained.summary["evaluation_loss"] < trained.summary["loss_first"]
    assert trained.of("artifact")[-1]["role"] == "model"
    assert json.loads((trained.outputs / "config.json").read_text())["dtype"] == "bfloat16"
    assert weights_size(trained.outputs) < 0.6 * weights_size(trainer.model)


def weights_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
