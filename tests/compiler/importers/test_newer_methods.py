"""Methods and tuners beyond LoRA and supervised learning: what is carried, changed and refused, for each framework."""

from collections.abc import Callable
from typing import Any

import pytest

from tunewright.compiler.importers.front import Imported

Run = Callable[..., Imported]
Said = Callable[[Imported], dict[str, Any]]

SWIFT = "swift sft --use_hf true --model Qwen/Qwen2.5-7B-Instruct --dataset r.jsonl --max_length 512 "
REPLIES = "swift rlhf --use_hf true --model Qwen/Qwen2.5-7B-Instruct --dataset r.jsonl --max_length 512 --rlhf_type "
FACTORY = "model_name_or_path: Qwen/Qwen2.5-7B-Instruct\ndataset: a\ntemplate: qwen\n"
AXOLOTL = "base_model: Qwen/Qwen2.5-7B-Instruct\nlearning_rate: 1e-4\nmicro_batch_size: 1\ndatasets:\n"
AXOLOTL += "  - path: r.jsonl\n    type: chat_template\n"


def train(said: Said, imported: Imported) -> dict[str, Any]:
    """Return the values of the only training step by their last words."""
    values = said(imported)
    return {path.split(".train.")[1]: value for path, value in values.items() if ".train." in path}


def reasons(remarks: Any) -> str:
    return " | ".join(f"{item.subject}: {item.reason}" for item in remarks)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (SWIFT + "--tuner_type lora --lorap_lr_ratio 8", "x.sh", {"tuner.type": "loraplus", "tuner.ratio": 8.0}),
        (SWIFT + "--tuner_type lora --init_weights pissa", "x.sh", {"tuner.type": "pissa", "tuner.iterations": 64}),
        (FACTORY + "pissa_init: true\n", "x.yaml", {"tuner.type": "pissa", "tuner.iterations": 16}),
        (FACTORY + "stage: pt\n", "x.yaml", {"method": "pretrain", "packing_strategy": "wrapped", "packing": True}),
        (FACTORY + "stage: pt\ntensor_model_parallel_size: 2\n", "x.yaml", {"method": "sft", "loss_on": "all"}),
        (REPLIES + "cpo --loss_type simpo", "x.sh", {"method": "simpo", "beta": 0.1}),
        (REPLIES + "simpo", "x.sh", {"method": "simpo", "beta": 2.0, "simpo_gamma": 1.0}),
        (REPLIES + "rm", "x.sh", {"method": "reward"}),
        (AXOLOTL + "lisa_n_layers: 2\nlisa_step_interval: 5\n", "x.yaml", {"tuner.type": "lisa", "tuner.interval": 5}),
        (AXOLOTL + "optimizer: galore_adamw\noptim_args: rank=32, scale=0.5\n", "x.yaml", {"tuner.rank": 32}),
        (AXOLOTL + "reward_model: true\n", "x.yaml", {"method": "reward", "tuner.type": "full"}),
    ],
)
def test_is_carried(run_import: Run, said: Said, text: str, name: str, expected: dict[str, Any]) -> None:
    imported = run_import(text, name)

    assert imported.text is not None, reasons(imported.draft.refused)
    assert train(said, imported).items() >= expected.items()


@pytest.mark.parametrize(
    ("text", "name", "lost"),
    [
        (SWIFT + "--tuner_type lora --quant_bits 4 --lorap_lr_ratio 8", "x.sh", "in few bits adapters are plain LoRA"),
        (SWIFT + "--tuner_type lora --use_dora true --lorap_lr_ratio 8", "x.sh", "this one has `dora`"),
        (SWIFT + "--tuner_type lora --init_weights olora", "x.sh", "no other start of the adapters"),
        (REPLIES + "simpo", "x.sh", "from the pairs alone"),
        (
            "NPROC_PER_NODE=4 " + SWIFT + "--tuner_type full --lisa_activated_layers 2",
            "x.sh",
            "LISA runs in one process",
        ),
        (SWIFT + "--tuner_type longlora --packing true", "x.sh", "rows are not packed with LongLoRA"),
        (FACTORY + "use_galore: true\nfinetuning_type: full\noptim: adamw_8bit\n", "x.yaml", "keeps its state in 32"),
        (FACTORY + "finetuning_type: full\nfreeze_vision_tower: true\n", "x.yaml", "which parts of a vision model"),
    ],
)
def test_is_reported_as_something_else(run_import: Run, text: str, name: str, lost: str) -> None:
    imported = run_import(text, name)

    assert imported.text is not None, reasons(imported.draft.refused)
    assert lost in reasons(imported.draft.lost)


@pytest.mark.parametrize(
    ("text", "name", "refused"),
    [
        (REPLIES + "grpo --reward_funcs accuracy format", "x.sh", "--reward_funcs accuracy"),
        (REPLIES + "grpo", "x.sh", "nothing says what replies are paid for"),
        (REPLIES + "grpo --reward_funcs format --loss_type sapo", "x.sh", "losses of GRPO here"),
        (REPLIES + "ppo --reward_model some/judge", "x.sh", "only the base model is fetched"),
        (REPLIES + "gkd --teacher_model some/teacher", "x.sh", "only the base model is fetched"),
        (REPLIES + "gkd", "x.sh", "a teacher that is the learner itself"),
        (REPLIES + "dpo --loss_type discopop", "x.sh", "losses of DPO here"),
        (REPLIES + "rm --tuner_type lora --init_weights pissa", "x.sh", "reward can't learn with PiSSA"),
        ("megatron " + REPLIES.removeprefix("swift ") + "dpo", "x.sh", "dpo is not available with Megatron"),
        (SWIFT + "--tuner_type full --freeze_parameters_ratio 1", "x.sh", "nothing learns"),
        (SWIFT + "--tuner_type boft", "x.sh", "`boft` is not a tuner here"),
        (FACTORY + "finetuning_type: oft\noft_rank: 8\n", "x.yaml", "in blocks of a size"),
        (FACTORY + "finetuning_type: full\nshift_attn: true\n", "x.yaml", "together with this kind of learning"),
        (FACTORY + "stage: ppo\nreward_model: saves/rm\n", "x.yaml", "a reward model from elsewhere"),
        (
            FACTORY.replace("Qwen/Qwen2.5-7B-Instruct", "./mine")
            + "finetuning_type: freeze\nfreeze_trainable_modules: mlp\n",
            "x.yaml",
            "how many blocks the model has",
        ),
        (AXOLOTL + "unfrozen_parameters: ['^model.embed_tokens.weight$[:3200]']\n", "x.yaml", "rows of a parameter"),
        (AXOLOTL + "rl: grpo\n", "x.yaml", "functions of your own"),
        (AXOLOTL + "process_reward_model: true\n", "x.yaml", "scores steps"),
    ],
)
def test_is_refused_with_the_reason(run_import: Run, text: str, name: str, refused: str) -> None:
    imported = run_import(text, name)

    assert imported.text is None
    assert refused in reasons(imported.draft.refused)


def test_a_tuner_that_can_not_be_divided_runs_side_by_side(run_import: Run, said: Said) -> None:
    imported = run_import(
        "NPROC_PER_NODE=2 " + SWIFT + "--tuner_type lora --lorap_lr_ratio 8 --deepspeed zero3_offload"
    )

    values = train(said, imported)
    assert values["parallelism.strategy"] == "ddp"
    assert "parallelism.offload_optimizer" not in values
    assert "LoRA+ is not divided here" in reasons(imported.draft.left_out)


def test_a_prompt_and_its_reply_share_the_length(run_import: Run, said: Said) -> None:
    values = train(said, run_import(REPLIES + "grpo --reward_funcs format --max_completion_length 256"))

    assert values["max_length"] == 768
    assert values["rewards"][0]["name"] == "regex"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interleave_probs: 0.7,0.3\nmix_strategy: interleave_over\n", ("all_exhausted", 0.7)),
        ("interleave_probs: 0.7,0.3\nmix_strategy: concat\n", ("concat", None)),
        ("interleave_probs: 0.7,0.3\n", (None, None)),
    ],
)
def test_shares_count_where_sets_are_drawn_in_turn(
    run_import: Run, said: Said, text: str, expected: tuple[str | None, float | None]
) -> None:
    imported = run_import(FACTORY.replace("dataset: a", "dataset: a,b") + text, "x.yaml")

    values = said(imported)
    assert (values.get("steps.sft.train.mix"), values.get("data.a.weight")) == expected
