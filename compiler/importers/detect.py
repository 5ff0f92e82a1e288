"""Which framework speaks: by the command that is called, or by the words of a settings file."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from tunewright.compiler.importers.command_line import Command, Word
from tunewright.compiler.importers.invocation import (
    AXOLOTL,
    LLAMA_FACTORY,
    MS_SWIFT,
    Invocation,
    environment_processes,
    read_arguments,
)
from tunewright.compiler.importers.options import Option, as_integer

_WRAPPERS = frozenset({"nohup", "time", "sudo", "exec", "env", "command", "srun", "setsid"})
_PROGRAMS = {
    "swift": MS_SWIFT, "megatron": MS_SWIFT, "llamafactory-cli": LLAMA_FACTORY, "lmf": LLAMA_FACTORY,
    "axolotl": AXOLOTL,
}  # fmt: skip
_LAUNCHERS = frozenset({"torchrun", "accelerate", "deepspeed", "python", "python3", "bash"})
_COUNTS = frozenset({"nproc_per_node", "num_processes", "num_gpus", "nproc"})
#: Variables that say how large a run is.
_SIZES = frozenset({"NPROC_PER_NODE", "NNODES", "CUDA_VISIBLE_DEVICES"})
_NODES = frozenset({"nnodes", "num_machines", "num_nodes"})

_AXOLOTL_WORDS = """base_model sequence_len micro_batch_size num_epochs lora_r lora_target_linear sample_packing
val_set_size adapter datasets lora_target_modules lr_scheduler optimizer wandb_project dataset_prepared_path rl"""
_LLAMA_FACTORY_WORDS = """model_name_or_path finetuning_type stage cutoff_len lora_target dataset_dir overwrite_cache
do_train plot_loss template adapter_name_or_path export_dir pref_beta infer_backend val_size"""
_MS_SWIFT_WORDS = """model tuner_type train_type sft_type rlhf_type max_length target_modules model_id_or_path
torch_dtype split_dataset_ratio dataset_num_proc tensor_model_parallel_size loss_scale"""

#: Options that only LLaMA-Factory's second form of settings has, which calls the model as ms-swift does.
V1_MARKS = frozenset({"train_dataset", "dist_config", "peft_config", "kernel_config", "quant_config", "model_class"})

#: Words that only one framework has.
_MARKS: Mapping[str, frozenset[str]] = {
    AXOLOTL: frozenset(_AXOLOTL_WORDS.split()),
    LLAMA_FACTORY: frozenset(_LLAMA_FACTORY_WORDS.split()),
    MS_SWIFT: frozenset(_MS_SWIFT_WORDS.split()),
}


def detect_framework(names: Mapping[str, object]) -> str | None:
    """Return the framework whose words a settings file uses, or None when two or none fit."""
    if V1_MARKS & names.keys() and "model" in names:
        return LLAMA_FACTORY
    scores = sorted(((len(marks & names.keys()), framework) for framework, marks in _MARKS.items()), reverse=True)
    (best, framework), (second, _), _ = scores
    return framework if best > second else None


def recognise(command: Command) -> Invocation | None:
    """Return the call of a framework that a command is, or None for every other command."""
    words = _unwrapped(command.words)
    if not words:
        return None
    launch, target, rest = _launched(words)
    named = _target(target, rest)
    if named is None:
        return None
    framework, verb, arguments = named
    options, loose = read_arguments(arguments)
    unresolved = tuple((name, word.line) for word in arguments for name in word.unresolved)
    unresolved += tuple((f"{name}=", command.line) for name in command.unknown if name in _SIZES)
    settings = {option.name: option for option in launch}
    return Invocation(
        framework=framework,
        verb=verb,
        options=options,
        files=loose,
        environment=command.environment,
        processes=_count(settings, _COUNTS) or environment_processes(command.environment),
        nodes=_count(settings, _NODES) or as_integer(command.environment.get("NNODES", "")),
        accelerate=str(settings["config_file"].value) if "config_file" in settings else None,
        line=command.line,
        unresolved=unresolved,
    )


def _unwrapped(words: tuple[Word, ...]) -> tuple[Word, ...]:
    while words and words[0].text in _WRAPPERS:
        words = words[1:]
        while words and words[0].text.startswith("-"):
            words = words[1:]
    return words


def _launched(words: tuple[Word, ...]) -> tuple[tuple[Option, ...], str, tuple[Word, ...]]:
    """Return the launcher's options, the script, module or program that is started, and its arguments."""
    program = PurePosixPath(words[0].text).name
    if program not in _LAUNCHERS:
        return (), program, words[1:]
    for index, word in enumerate(words[1:], start=1):
        if word.text in ("-m", "--module") and index + 1 < len(words):
            module = words[index + 1].text
            if module in ("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"):
                continue
            return _launch_options(words[1:index]), module, words[index + 2 :]
        if word.text.endswith(".py") or word.text in _PROGRAMS:
            return _launch_options(words[1:index]), word.text, words[index + 1 :]
    return (), program, words[1:]


def _launch_options(words: tuple[Word, ...]) -> tuple[Option, ...]:
    return read_arguments(words)[0]


def _count(settings: Mapping[str, Option], names: frozenset[str]) -> int | None:
    for name in names:
        if name in settings and (count := as_integer(settings[name].value)) and 0 < count <= 4096:
            return count
    return None


def _target(target: str, rest: tuple[Word, ...]) -> tuple[str, str, tuple[Word, ...]] | None:
    """Return framework, verb and arguments of what is started; None when it belongs to none."""
    if target in _PROGRAMS and rest:
        framework, verb = _PROGRAMS[target], rest[0].text
        return framework, f"megatron {verb}" if target == "megatron" else verb, rest[1:]
    path = target.replace(".", "/").removesuffix("/py").strip("/")
    parts = path.split("/")
    if "swift" in parts and "cli" in parts:
        return MS_SWIFT, f"megatron {parts[-1]}" if "_megatron" in parts else parts[-1], rest
    if parts[-1] in ("llm_sft", "rlhf"):
        return MS_SWIFT, parts[-1].removeprefix("llm_"), rest
    if parts[0] == "axolotl" and "cli" in parts:
        return AXOLOTL, parts[-1], rest
    if path.endswith(("src/train", "train_bash")) or "llamafactory" in parts:
        return LLAMA_FACTORY, "train", rest
    return None
