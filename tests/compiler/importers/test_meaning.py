"""What is written comes out with the same meaning: defaults of the version, places, chains of commands, refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.importers.front import Imported, Input, import_texts
from tunewright.compiler.importers.settings_file import InputError

Run = Callable[..., Imported]
Said = Callable[[Imported], dict[str, Any]]
SWIFT = "swift sft --model Qwen/Qwen2.5-7B-Instruct --dataset rows.jsonl "
TRAIN = "steps.sft.train."


def lost(imported: Imported) -> str:
    return "\n".join(f"{item.subject}: {item.reason}" for item in imported.draft.lost)


@pytest.mark.parametrize(
    ("version", "epochs", "warmup", "held_out"), [("2.6", 1, 0.05, 0.01), ("3.5", 3, 0, 0.01), ("4.6", 3, 0, 0)]
)
def test_defaults_are_those_of_the_version(
    run_import: Run, said: Said, version: str, epochs: float, warmup: float, held_out: float
) -> None:
    values = said(run_import(SWIFT, version=version))

    assert values[TRAIN + "num_train_epochs"] == epochs
    assert values[TRAIN + "warmup_ratio"] == warmup
    assert values[TRAIN + "evaluation_share"] == held_out


def test_version_is_told_from_the_names(run_import: Run) -> None:
    assert run_import(SWIFT + "--sft_type lora").draft.frameworks == ("ms-swift 2.6",)
    assert run_import(SWIFT + "--train_type lora").draft.frameworks == ("ms-swift 3.12",)
    assert run_import(SWIFT + "--tuner_type lora").draft.frameworks == ("ms-swift 4.6",)


def test_supervised_term_of_dpo_is_what_the_version_has(run_import: Run, said: Said) -> None:
    text = "swift rlhf --rlhf_type dpo --model a/b --dataset pairs.jsonl"
    name = "steps.dpo.train.sft_weight"

    assert said(run_import(text, version="3.7"))[name] == 1.0
    assert name not in said(run_import(text, version="3.8"))
    assert said(run_import(f"{text} --rpo_alpha 0.1"))[name] == 0.1
    assert "sft_weight" not in str(said(run_import(f"{text} --rpo_alpha 0")))


def test_weights_of_good_and_bad_replies_are_carried(run_import: Run, said: Said) -> None:
    text = "model_name_or_path: a/b\nstage: kto\ndataset: marked\nkto_chosen_weight: 2.0\nkto_rejected_weight: 0.5\n"
    values = said(run_import(text, "x.yaml"))

    assert values["steps.kto.train.desirable_weight"] == 2.0
    assert values["steps.kto.train.undesirable_weight"] == 0.5


def test_swift_accumulates_to_sixteen_rows(run_import: Run, said: Said) -> None:
    name = TRAIN + "gradient_accumulation_steps"

    assert said(run_import(SWIFT))[name] == 16
    assert said(run_import("NPROC_PER_NODE=8 " + SWIFT))[name] == 2
    assert said(run_import(SWIFT + "--per_device_train_batch_size 3"))[name] == 6


def test_rate_follows_the_tuner(run_import: Run, said: Said) -> None:
    assert said(run_import(SWIFT))[TRAIN + "learning_rate"] == 1e-4
    assert said(run_import(SWIFT + "--tuner_type full"))[TRAIN + "learning_rate"] == 1e-5


def test_hub_is_the_frameworks(run_import: Run, said: Said) -> None:
    assert said(run_import(SWIFT))["base.model"] == "ms://Qwen/Qwen2.5-7B-Instruct"
    assert said(run_import(SWIFT + "--use_hf true"))["base.model"] == "hf://Qwen/Qwen2.5-7B-Instruct"
    assert said(run_import("USE_HF=1 " + SWIFT))["base.model"] == "hf://Qwen/Qwen2.5-7B-Instruct"
    assert said(run_import("swift sft --model /models/q --dataset r.jsonl"))["base.model"] == "dir:/models/q"


def test_llama_factory_alpha_is_twice_the_rank(run_import: Run, said: Said) -> None:
    text = "model_name_or_path: a/b\nstage: sft\ndataset: rows\nlora_rank: 12\nfinetuning_type: lora\n"
    values = said(run_import(text, "x.yaml"))

    assert values[TRAIN + "tuner.alpha"] == 24
    assert values[TRAIN + "tuner.dropout"] == 0
    assert values[TRAIN + "learning_rate"] == 5e-5
    assert values[TRAIN + "per_device_train_batch_size"] == 8


def test_orpo_hides_in_a_loss_of_dpo(run_import: Run, said: Said) -> None:
    text = "model_name_or_path: a/b\nstage: dpo\npref_loss: orpo\ndataset: pairs\n"

    assert said(run_import(text, "x.yaml"))["steps.orpo.train.method"] == "orpo"
    assert said(run_import(text.replace("orpo", "simpo"), "x.yaml"))["steps.simpo.train.simpo_gamma"] == 0.5


def test_kto_takes_two_rows_at_once_and_as_many_a_step(run_import: Run, said: Said) -> None:
    values = said(run_import("swift rlhf --rlhf_type kto --model a/b --dataset r.jsonl"))

    assert values["steps.kto.train.per_device_train_batch_size"] == 2
    assert values["steps.kto.train.gradient_accumulation_steps"] == 8


def test_context_of_the_model_bounds_the_length(run_import: Run, said: Said) -> None:
    imported = run_import(SWIFT + "--max_length 999999")

    assert said(imported)[TRAIN + "max_length"] == 32768
    assert "999999" in lost(imported)
    assert said(run_import(SWIFT))[TRAIN + "max_length"] == 32768


def test_misspelt_option_gets_a_suggestion(run_import: Run) -> None:
    assert "did you mean `lora_rank`" in lost(run_import(SWIFT + "--lora_rnk 8"))


def test_unresolved_variable_is_reported_and_its_option_left_out(run_import: Run, said: Said) -> None:
    imported = run_import(SWIFT + "--lora_rank $RANK")

    assert "$RANK" in lost(imported)
    assert said(imported)[TRAIN + "tuner.rank"] == 8


def test_secrets_are_never_copied(run_import: Run) -> None:
    imported = run_import(SWIFT + "--hub_token hf_abc123 --wandb_api_key k-987")
    everything = repr(imported)

    assert "hf_abc123" not in everything
    assert "k-987" not in everything
    assert "${secret:HUB_TOKEN}" in str(imported.text)


def test_text_of_others_can_not_leave_its_comment(run_import: Run) -> None:
    imported = run_import(SWIFT + "--system 'a\nbase: {model: \"dir:evil\"}' --model_author 'x\ny: 1'")

    assert imported.text is not None
    assert "\nbase: {model" not in imported.text
    assert "\ny: 1" not in imported.text


def test_ambiguous_settings_ask_for_from(run_import: Run, said: Said) -> None:
    with pytest.raises(InputError, match="--from"):
        run_import("learning_rate: 1\n", "x.yaml")
    text = "model: a/b\ndataset: [r.jsonl]\nlearning_rate: 0.001\n"
    assert said(run_import(text, "x.yaml", framework="ms-swift"))[TRAIN + "learning_rate"] == 0.001


def test_files_become_one_life(said: Said) -> None:
    folder = Path(__file__).parent / "samples" / "llama_factory"
    names = ("sft_lora.yaml", "merge_lora.yaml", "serve_vllm.yaml")
    values = said(import_texts([Input(name=name, text=(folder / name).read_text(), folder=folder) for name in names]))

    assert values["steps.pack.export.model"] == "sft"
    assert values["steps.serve.deploy.model"] == "pack"
    assert values["steps.serve.deploy.max_model_len"] == 2048


def test_commands_of_a_script_follow_from_each_other(said: Said) -> None:
    path = Path(__file__).parent / "samples" / "ms_swift" / "whole_life.sh"
    values = said(import_texts([Input(name=path.name, text=path.read_text(), folder=path.parent)]))

    assert values["steps.dpo.train.from"] == "sft"
    assert values["steps.pack.export.model"] == "dpo"
    assert values["steps.exam.evaluate.suites"] == ("gsm8k", "arc_challenge", "ceval")


def test_neighbours_outside_are_not_read(run_import: Run, tmp_path: Path, said: Said) -> None:
    (tmp_path / "prompt.txt").write_text("Be kind.")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    near = run_import(SWIFT + "--system prompt.txt", folder=inside)
    absolute = run_import(SWIFT + f"--system {tmp_path}/prompt.txt", folder=inside)
    climbing = run_import(SWIFT + "--system ../../prompt.txt", folder=inside)

    assert said(near)[TRAIN + "system_prompt"] == "Be kind."
    for imported in (absolute, climbing):
        assert TRAIN + "system_prompt" not in said(imported)
        assert "the file with the system prompt is not here" in lost(imported)


def test_sharding_is_read_from_the_file(run_import: Run, said: Said, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}}}')
    values = said(run_import(SWIFT + "--deepspeed mine.json", folder=tmp_path))

    assert values[TRAIN + "parallelism.strategy"] == "zero2"
    assert values[TRAIN + "parallelism.offload_optimizer"] == "cpu"


def test_machine_can_be_stated_or_left_out(run_import: Run, said: Said) -> None:
    from tunewright.compiler.importers.machine import Machine

    stated = said(run_import(SWIFT, machine=Machine(accelerator="h100-80gb", count=4)))
    absent = said(run_import(SWIFT, machine=Machine(accelerator="none")))

    assert (stated["resources.accelerator"], stated["resources.count"]) == ("h100-80gb", 4)
    assert "resources.accelerator" not in absent


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--task_type seq_cls", "only models that write text"),
        ("--tuner_type adalora", "not a tuner here"),
        ("--use_galore true", "another way of learning"),
        ("--optim muon", "not one of the language's"),
        ("--adapters elsewhere", "an adapter from elsewhere"),
    ],
)
def test_what_no_spec_can_say_is_refused(run_import: Run, options: str, reason: str) -> None:
    imported = run_import(SWIFT + options)

    assert imported.text is None
    assert reason in imported.draft.refused[0].reason
