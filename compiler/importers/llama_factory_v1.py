"""LLaMA-Factory's second form of settings (its `v1`): the same options under other names, some in sections."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tunewright.compiler.importers.detect import V1_MARKS
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.neighbours import Neighbours
from tunewright.compiler.importers.options import Option, as_integer
from tunewright.compiler.importers.settings_file import InputError, read_settings

#: Names of this form to the older ones.
_NAMES: Mapping[str, str] = {
    "dist_config.cp_size": "sequence_parallel_size",
    "model": "model_name_or_path", "train_dataset": "dataset", "micro_batch_size": "per_device_train_batch_size",
    "enable_activation_checkpointing": "gradient_checkpointing",
    "peft_config.name": "finetuning_type", "peft_config.r": "lora_rank", "peft_config.lora_alpha": "lora_alpha",
    "peft_config.lora_dropout": "lora_dropout", "peft_config.target_modules": "lora_target",
    "peft_config.use_rslora": "use_rslora", "peft_config.use_dora": "use_dora",
    "peft_config.modules_to_save": "additional_target",
    "peft_config.adapter_name_or_path": "adapter_name_or_path", "peft_config.export_dir": "export_dir",
    "peft_config.export_size": "export_size", "peft_config.infer_dtype": "infer_dtype",
    "peft_config.export_hub_model_id": "export_hub_model_id",
    "peft_config.export_legacy_format": "export_legacy_format",
    "peft_config.freeze_trainable_layers": "freeze_trainable_layers",
    "peft_config.freeze_trainable_modules": "freeze_trainable_modules",
    "peft_config.freeze_extra_modules": "freeze_extra_modules",
    "quant_config.quantization_bit": "quantization_bit",
    "dist_config.config_file": "deepspeed", "dist_config.name": "fsdp",
    "lr_scheduler_config.name": "lr_scheduler_type", "optim_config.name": "optim",
    "optim_config.weight_decay": "weight_decay",
}  # fmt: skip

#: What this form does where nothing is written; its optimizer is PyTorch's AdamW with PyTorch's own defaults.
_DEFAULTS: Mapping[str, Any] = {
    "finetuning_type": "full", "per_device_train_batch_size": 1, "learning_rate": 1e-4, "num_train_epochs": 3,
    "lr_scheduler_type": "constant", "optim": "adamw_torch", "weight_decay": 0.01, "logging_steps": 1, "bf16": True,
    "lora_rank": 8, "lora_alpha": 8, "flash_attn": "sdpa",
}  # fmt: skip

#: Options of this form that decide nothing of what is learned.
_HARMLESS: Mapping[str, str] = {
    "model_class": "found out from the model itself",
    "kernel_config": "kernels that compute the same",
    "init_config": "where weights are loaded first does not change what is learned",
    "batching_workers": "only how fast rows are read",
    "sample_backend": "replies are not written while training",
    "max_new_tokens": "replies are not written while training",
    "save_ckpt_as_hf": "checkpoints do not change what is learned",
    "quant_config.name": "says what `quantization_bit` says",
    "dist_config.dcp_path": "where weights are loaded from first does not change what is learned",
    "dist_config.cp_mode": "how a sequence is divided does not change what is learned",
}


def is_v1(options: Iterable[Option]) -> bool:
    """Say whether settings are in this form."""
    names = {option.name for option in options}
    return bool(V1_MARKS & names) and "model" in names


def translated(options: Iterable[Option], life: Life) -> tuple[tuple[Option, ...], dict[str, str]]:
    """Return the options of the older form with this form's defaults, and the older name of each written one."""
    result: list[Option] = []
    for option in _flat(options):
        if option.is_empty:
            continue
        if reason := _HARMLESS.get(option.name):
            life.drafting.leave(option.origin, reason)
        elif option.name == "dist_config.name":
            result += _spread(option, life)
        elif option.name == "batching_strategy":
            result += _batching(option, life)
        elif option.name == "global_batch_size":
            result.append(_accumulation(option, options))
            life.drafting.assume(
                option.origin, "rows a step, as one process takes them: with more, divide by their number"
            )
        else:
            result.append(option)
    said = {_NAMES.get(option.name, option.name) for option in result}
    result += [
        Option(name, value, given=f"default of LLaMA-Factory v1: {value}")
        for name, value in _DEFAULTS.items()
        if name not in said and (name != "lora_alpha" or "lora_rank" in said)
    ]
    return tuple(result), dict(_NAMES)


def data_entries(option: Option, neighbours: Neighbours) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the entries of the table that `train_dataset` names, by name; None where it names none that is near."""
    written = str(option.value)
    text = neighbours.text(written) if written.endswith((".yaml", ".yml")) else None
    if text is None:
        return None
    try:
        entries = read_settings(written, text)
    except InputError:
        return None
    return {entry.name: entry.value for entry in entries if isinstance(entry.value, Mapping)}


def add_table(option: Option, form: str | None, life: Life) -> tuple[str, ...]:
    """Write the data sets that `train_dataset` names and return their names in the spec."""
    entries = data_entries(option, life.neighbours)
    if entries is None:
        stem = str(option.value).removesuffix(".yaml").removesuffix(".yml")
        name = life.add_data(f"{stem}.jsonl" if stem != option.value else stem, option.origin)
        if stem != option.value:
            life.drafting.assume(option.origin, "the table of data sets is not near: the file is called as it is")
        life.say_of_data(name, "format", Said(form or "messages", "what the step learns from"))
        return (name,)
    return tuple(_add_entry(name, entry, form, life) for name, entry in entries.items())


def _add_entry(name: str, entry: Mapping[str, Any], form: str | None, life: Life) -> str:
    added = life.add_data(str(entry.get("path", name)), f"{name} of the table of data sets")
    converter = str(entry.get("converter", "messages"))
    found = form or {"alpaca": "instruction", "pair": "preference"}.get(converter, "messages")
    life.say_of_data(added, "format", Said(found, f"converter {converter}"))
    if converter == "sharegpt":
        for ours, theirs in (("messages", "conversations"), ("role", "from"), ("content", "value")):
            life.drafting.put(("data", added, "columns", ours), Said(theirs, "converter sharegpt"))
    for key, ours in (("size", "limit"), ("weight", "weight"), ("split", "split"), ("subset", "subset")):
        value = entry.get(key)
        if value is not None and (key, value) != ("split", "train"):
            life.say_of_data(added, ours, Said(value, f"{key} of {name}"))
    return added


def _flat(options: Iterable[Option]) -> Iterator[Option]:
    for option in options:
        if isinstance(option.value, Mapping) and option.name.endswith("_config") and option.name not in _HARMLESS:
            for key, value in option.value.items():
                yield Option(f"{option.name}.{key}", value, option.line)
        else:
            yield option


def _spread(option: Option, life: Life) -> list[Option]:
    """FSDP becomes the older switch; DeepSpeed is named by its file."""
    if "fsdp" in str(option.value):
        return [option]
    life.drafting.leave(option.origin, "says what `config_file` says")
    return []


def _batching(option: Option, life: Life) -> list[Option]:
    strategy = str(option.value)
    if strategy == "normal":
        life.drafting.leave(option.origin, "rows are put side by side")
    elif strategy == "padding_free":
        life.drafting.leave(option.origin, "computes the same without padding")
    else:
        life.drafting.lose(option.origin, "batches are a number of rows here, not of tokens")
    return []


def _accumulation(option: Option, options: Iterable[Option]) -> Option:
    rows = next((as_integer(item.value) for item in options if item.name == "micro_batch_size"), 1) or 1
    steps = max(1, (as_integer(option.value) or 1) // rows)
    return Option("gradient_accumulation_steps", steps, given=f"{option.origin}: {rows} rows at once")
