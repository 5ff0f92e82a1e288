"""Axolotl: `axolotl train` and its settings files."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.axolotl_data import add_data_set
from tunewright.compiler.importers.axolotl_tuners import set_tuner
from tunewright.compiler.importers.axolotl_vocabulary import DEFAULTS, HARMLESS_PLUGINS, OWN_TOKENS, VOCABULARY
from tunewright.compiler.importers.deepspeed import shard_by_deepspeed, shard_by_fsdp
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.invocation import Invocation, visible_accelerators
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Options, as_flag, as_integer, as_word
from tunewright.compiler.importers.rows import set_truncation
from tunewright.compiler.importers.schedule import set_adam, set_floor, set_noise, set_warmup
from tunewright.compiler.importers.settling import write_step
from tunewright.compiler.importers.templates import check_template
from tunewright.compiler.importers.training import (
    Training,
    translate_attention,
    translate_optimizer,
    translate_precision,
    translate_scheduler,
)
from tunewright.compiler.importers.words import METHODS_MISSING

_METHODS = {"dpo": "dpo", "ipo": "dpo", "orpo": "orpo", "kto": "kto", "simpo": "simpo"}
_OWN_REWARDS = (
    "its rewards are functions of your own: offer them as a package's (`acme.name`), and name them under `rewards`"
)
_FOREIGN_ADAPTER = (
    "an adapter from elsewhere can't be named in a spec; import it together with the file that trained it"
)
_TRY_OUT = (
    "inference",
    "merge_lora",
    "merge-lora",
    "merge_sharded_fsdp_weights",
    "preprocess",
    "fetch",
    "vllm_serve",
    "vllm-serve",
)
_ATTENTION_FLAGS = (
    ("flash_attention", "flash_attn"),
    ("sdp_attention", "sdpa"),
    ("xformers_attention", "xformers"),
    ("flex_attention", "flex_attention"),
    ("eager_attention", "eager"),
)


def import_axolotl(invocation: Invocation, life: Life) -> None:
    """Add the step that a call or a settings file means."""
    options = Options.of(invocation.options, life.drafting)
    if invocation.verb in ("merge_lora", "merge-lora"):
        _merge(options, life)
    elif invocation.verb in _TRY_OUT:
        life.drafting.leave(
            f"axolotl {invocation.verb}",
            "needs no step of its own: rows and weights are prepared where they are needed",
        )
    elif invocation.verb in ("train", "finetune"):
        _train(invocation, options, life)
        VOCABULARY.report(options)
    else:
        life.drafting.lose(
            f"axolotl {invocation.verb}", "is no step: measure a model with `evaluate`, export it with `export`"
        )


def _default(name: str) -> Said:
    return Said(DEFAULTS[name], "default of Axolotl")


def _merge(options: Options, life: Life) -> None:
    source = life.step_of(str(options.items["output_dir"].value)) if options.has("output_dir") else None
    if source is None:
        life.drafting.refuse("axolotl merge-lora", _FOREIGN_ADAPTER)
        return
    path = ("steps", life.step_name("pack"), "export")
    life.drafting.put((*path, "model"), Said(source, "axolotl merge-lora"))
    life.drafting.put((*path, "merge"), Said(True, "axolotl merge-lora"))


def _train(invocation: Invocation, options: Options, life: Life) -> None:
    step = Training(life.drafting)
    if not _method(options, step, life):
        return
    _start(options, step, life)
    check_template(options.word("chat_template"), life.drafting)
    _data(options, step, life)
    set_tuner(options, step, life)
    _schedule(options, step, life)
    _batch(options, step)
    step.set("max_length", options.integer("sequence_len"), _default("sequence_len"))
    _rows(options, step, life)
    for name in ("logging_steps", "save_steps", "save_total_limit"):
        step.set(name, options.integer(name))
    step.set("seed", options.integer("seed"), _default("seed"))
    _computation(options, step, life)
    _spread(invocation, options, step, life)
    _tokens(options, life)
    _plugins(options, life)
    name = life.step_name(str(step.get("method")))
    write_step(step, name)
    output = options.take("output_dir")
    if output is not None:
        life.wrote(str(output.value), name)
        life.drafting.leave(output.origin, "every result has a folder of its own, named by its digest")


def _method(options: Options, step: Training, life: Life) -> bool:
    kind = options.word("rl")
    if options.is_on("reward_model"):
        step.set("method", Said("reward", options.items["reward_model"].origin))
        for name in ("reward_model", "num_labels"):
            options.take(name)
        return True
    if kind is None:
        reads = options.has("pretraining_dataset") and not options.has("datasets")
        step.set("method", Said("pretrain", "pretraining_dataset") if reads else Said("sft", "no `rl`"))
        return True
    method = _METHODS.get(str(kind.value))
    if method is None:
        options.taken.update(options.items)
        life.drafting.refuse(kind.origin, _reason(str(kind.value)))
        return False
    step.set("method", Said(method, kind.origin))
    beta = options.number("rl_beta", "dpo_beta", "beta")
    if method == "orpo":
        beta = options.number("orpo_alpha") or beta
    step.set("beta", beta, _default("beta"))
    step.set_weights(options, ("rpo_alpha",), "kto_desirable_weight", "kto_undesirable_weight")
    if method == "simpo":
        step.set("simpo_gamma", options.number("simpo_gamma"), Said(0.5, "default of TRL, which Axolotl calls"))
        weight = options.number("cpo_alpha") or Said(1.0, "default of TRL, which Axolotl calls")
        if weight.value:
            life.drafting.lose(weight.origin, "SimPO learns from the pairs alone here (`cpo_alpha` 0)")
    loss = options.words("dpo_loss_type")
    if kind.value == "ipo":
        step.set("loss_type", Said("ipo", kind.origin))
    elif loss is not None and len(loss.value) == 1:
        step.set("loss_type", Said(loss.value[0], loss.origin))
    else:
        step.set("loss_type", Said("sigmoid", "default of Axolotl"))
    return True


def _reason(kind: str) -> str:
    return _OWN_REWARDS if kind == "grpo" else METHODS_MISSING.get(kind, "is not a method here")


def _start(options: Options, step: Training, life: Life) -> None:
    source = life.base(options.word("base_model"), "hf", options.word("revision_of_model"))
    if source not in (None, "base"):
        step.set("from", Said(source, "base_model: the result of the step before"))
    trust = options.flag("trust_remote_code")
    if trust is not None and trust.value:
        life.drafting.put(("base", "trust_remote_code"), trust)
    if (token := options.flag("hf_use_auth_token")) is not None and token.value:
        life.drafting.put(("base", "token"), Said("${secret:HF_TOKEN}", f"{token.origin}: as a secret"))
    adapter = options.take("lora_model_dir")
    if adapter is not None:
        earlier = life.step_of(str(adapter.value))
        if earlier is None:
            life.drafting.refuse(adapter.origin, _FOREIGN_ADAPTER)
        else:
            step.set("from", Said(earlier, adapter.origin))
    resume = options.take("resume_from_checkpoint")
    if resume is not None and str(resume.value).lower() not in ("true", "false"):
        life.drafting.lose(resume.origin, "a checkpoint from elsewhere can't be gone on from: it starts anew")


def _data(options: Options, step: Training, life: Life) -> None:
    names: list[str] = []
    origin = "datasets"
    for key, pretraining in (("datasets", False), ("pretraining_dataset", True)):
        option = options.take(key)
        if option is None:
            continue
        origin = f"{key} (line {option.line})" if option.line else key
        entries = option.value if isinstance(option.value, tuple) else (option.value,)
        for index, entry in enumerate(entries):
            name = add_data_set(entry, str(step.get("method")), f"{key}[{index}]", life, pretraining=pretraining)
            names += [name] if name else []
        if pretraining:
            step.set("loss_on", Said("all", key))
    if not names:
        life.drafting.refuse("datasets", "nothing says what is learned from")
        return
    step.set("data", Said(tuple(names), origin))


def _schedule(options: Options, step: Training, life: Life) -> None:
    step.set("learning_rate", options.number("learning_rate"))
    if "learning_rate" not in step.values:
        life.drafting.refuse("learning_rate", "Axolotl needs it, and it is not written")
    scheduler = options.word("lr_scheduler") or _default("lr_scheduler")
    step.set("lr_scheduler_type", translate_scheduler(scheduler, life.drafting))
    optimizer = options.word("optimizer") or _default("optimizer")
    if step.tuner is None or step.tuner.optimizer is None:
        step.set("optim", translate_optimizer(optimizer, life.drafting))
    elif "8bit" in str(optimizer.value):
        life.drafting.lose(optimizer.origin, f"{step.tuner.word} keeps its state in 32 bits here")
    step.set("num_train_epochs", options.number("num_epochs"), _default("num_epochs"))
    step.set("max_steps", options.integer("max_steps"))
    set_warmup(options, step, _default("warmup_ratio"))
    set_floor(options, step, life, rate="cosine_min_lr_ratio", lowest="min_lr")
    step.set("weight_decay", options.number("weight_decay"), _default("weight_decay"))
    step.set("max_grad_norm", options.number("max_grad_norm"), _default("max_grad_norm"))
    set_adam(options, step)
    set_noise(options, step)


def _batch(options: Options, step: Training) -> None:
    """Two of three numbers say the third."""
    micro, whole = options.integer("micro_batch_size"), options.integer("batch_size")
    step.set("per_device_train_batch_size", micro, _default("micro_batch_size"))
    accumulation = options.integer("gradient_accumulation_steps")
    if accumulation is None and whole is not None:
        rows = max(1, as_integer(step.get("per_device_train_batch_size")) or 1)
        accumulation = Said(max(1, whole.value // rows), f"{whole.origin}: {rows} rows at once")
    step.set("gradient_accumulation_steps", accumulation, _default("gradient_accumulation_steps"))


def _rows(options: Options, step: Training, life: Life) -> None:
    formats = {life.drafting.value(("data", name, "format")) for name in life.drafting.names("data")}
    if formats != {"text"}:  # whole texts are divided, not left out
        set_truncation(options.word("excess_length_strategy") or Said("drop", "default of Axolotl"), step)
    step.set("packing", options.flag("sample_packing"), Said(False, "default of Axolotl"))
    if step.get("method") == "pretrain":
        step.set("packing", Said(True, "pretraining_dataset: texts share a sequence"))
        step.set("packing_strategy", Said("bfd", "pretraining_dataset: long texts are cut"))
    options.take("pad_to_sequence_len")
    inputs = options.flag("train_on_inputs")
    if formats == {"text"} or (inputs is not None and inputs.value):
        step.set("loss_on", Said("all", inputs.origin if inputs and inputs.value else "text has no reply"))
    else:
        reply = "replies" if formats & {"messages", None} else "completion"
        step.set("loss_on", Said(reply, inputs.origin if inputs else "default of Axolotl"))
    step.set("system_prompt", options.word("default_system_message"))
    held = options.number("val_set_size") or _default("val_set_size")
    if held.value >= 1:
        life.drafting.lose(held.origin, "the language holds out a share of the rows, not a number")
    else:
        step.set("evaluation_share", held)


def _computation(options: Options, step: Training, life: Life) -> None:
    precision = _default("bf16")
    for name, ours in (
        ("bf16", "bf16"),
        ("bfloat16", "bf16"),
        ("fp16", "fp16"),
        ("float16", "fp16"),
        ("float32", "fp32"),
    ):
        option = options.take(name)
        if option is None:
            continue
        word = str(option.value).lower()
        if word in ("auto", "full") or as_flag(option.value):
            precision = Said("auto" if word == "auto" else ours, option.origin)
    if options.has("bf16") and not options.is_on("bf16") and precision.origin == _default("bf16").origin:
        precision = Said("fp32", options.items["bf16"].origin)
    step.set("precision", translate_precision(precision, life.drafting))
    checkpointing = options.take("gradient_checkpointing")
    if checkpointing is None:
        step.set("gradient_checkpointing", _default("gradient_checkpointing"))
    else:
        on = as_flag(checkpointing.value)
        step.set("gradient_checkpointing", Said(on is not False, checkpointing.origin))
        if on is None:
            life.drafting.leave(checkpointing.origin, "activations are computed again instead of moved to the host")
    written = options.word("attn_implementation")
    for name, word in _ATTENTION_FLAGS:
        flag = options.flag(name)
        if written is None and flag is not None and flag.value:
            written = Said(word, flag.origin)
    if written is not None:
        step.set("attention", translate_attention(written, life.drafting))


def _spread(invocation: Invocation, options: Options, step: Training, life: Life) -> None:
    version, settings, switch = options.take("fsdp_version"), options.take("fsdp_config"), options.take("fsdp")
    if (option := options.take("deepspeed")) is not None:
        shard_by_deepspeed(option, step, life)
    elif settings is not None or switch is not None:
        option = settings or switch
        assert option is not None
        content: Mapping[str, Any] = option.value if isinstance(option.value, Mapping) else {}
        offload = any("offload_params" in key and as_flag(value) for key, value in content.items())
        shard_by_fsdp(option, step, offload=offload)
        if as_flag(content.get("activation_checkpointing", content.get("fsdp_activation_checkpointing", False))):
            step.set("gradient_checkpointing", Said(True, "activation_checkpointing of fsdp_config"))
    if version is not None:
        life.drafting.leave(version.origin, "both versions of FSDP compute the same")
    processes = invocation.processes or visible_accelerators(invocation.environment)
    world = (processes or 1) * (invocation.nodes or 1)
    if world > 1:
        step.set("parallelism.processes", Said(world, "accelerators that the command names"))
        step.set("parallelism.strategy", step.values.get("parallelism.strategy"), Said("ddp", f"{world} processes"))
    shared = options.integer("context_parallel_size", "sequence_parallel_degree", "tensor_parallel_size")
    step.set("rows.shared", shared)
    sharded = step.get("parallelism.strategy") not in (None, "ddp")
    life.machine(processes, invocation.nodes, sharded=sharded)


def _tokens(options: Options, life: Life) -> None:
    if (ends := options.take("eot_tokens")) is not None:
        life.drafting.assume(ends.origin, "replies end as the model's chat template ends them")
    option = options.take("special_tokens")
    if option is None or not isinstance(option.value, Mapping):
        return
    for key, value in option.value.items():
        subject = f"special_tokens: {key} {value}"
        if value is None:
            continue
        if key == "pad_token":
            life.drafting.leave(subject, "padding is never learned from")
        elif as_word(value) in OWN_TOKENS:
            life.drafting.leave(subject, "is the model's own")
        elif key == "eos_token":
            life.drafting.assume(subject, "replies end as the model's chat template ends them")
        else:
            life.drafting.lose(subject, "the tokenizer stays as it is")


def _plugins(options: Options, life: Life) -> None:
    for name in plugins.value if (plugins := options.words("plugins")) is not None else ():
        if name.endswith(HARMLESS_PLUGINS):
            life.drafting.leave(f"plugins: {name}", "kernels that compute the same")
        else:
            life.drafting.lose(f"plugins: {name}", "own code can't be carried")
