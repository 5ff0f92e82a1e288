"""LLaMA-Factory: `llamafactory-cli train|export|api` and its settings files."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers import llama_factory_release
from tunewright.compiler.importers.deepspeed import shard_by_deepspeed, shard_by_fsdp
from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.invocation import Invocation, visible_accelerators
from tunewright.compiler.importers.layers import set_encoder
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.llama_factory_base import FOREIGN_ADAPTER, base_of
from tunewright.compiler.importers.llama_factory_data import add_data_set
from tunewright.compiler.importers.llama_factory_rewards import set_ppo
from tunewright.compiler.importers.llama_factory_tuners import set_tuner
from tunewright.compiler.importers.llama_factory_v1 import add_table, is_v1, translated
from tunewright.compiler.importers.llama_factory_vocabulary import DEFAULTS, VOCABULARY
from tunewright.compiler.importers.options import Option, Options, as_number
from tunewright.compiler.importers.rows import set_mix
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

_FORMATS = {
    "pt": "text", "dpo": "preference", "orpo": "preference", "simpo": "preference", "reward": "preference",
    "kto": "kto", "ppo": "prompt",
}  # fmt: skip
_METHODS = {"pt": "pretrain", "rm": "reward", "sft": "sft", "kto": "kto", "dpo": "dpo", "ppo": "ppo"}
_LOSSES = frozenset({"sigmoid", "hinge", "ipo"})
_SPLITS = (
    ("tensor_parallel", "tensor_model_parallel_size"),
    ("pipeline_parallel", "pipeline_model_parallel_size"),
    ("context_parallel", "context_parallel_size"),
    ("expert_parallel", "expert_model_parallel_size"),
)


def import_llama_factory(invocation: Invocation, life: Life) -> None:
    """Add the step that a call or a settings file means."""
    if is_v1(invocation.options):
        options = Options.of(*_v1(invocation, life))
    else:
        options = Options.of(invocation.options, life.drafting)
    hub = "ms" if invocation.environment.get("USE_MODELSCOPE_HUB", "0") in ("1", "true") else "hf"
    verb = _verb(invocation.verb, options)
    if verb == "train":
        _train(invocation, options, life, hub)
    elif verb == "export":
        llama_factory_release.export(options, life, hub)
    elif verb == "api":
        llama_factory_release.deploy(options, life, hub, invocation.environment)
    else:
        life.drafting.lose(
            f"llamafactory-cli {verb}", "is no step: serve a model with `deploy`, measure it with `evaluate`"
        )
        return
    VOCABULARY.report(options)


def _v1(invocation: Invocation, life: Life) -> tuple[tuple[Option, ...], Drafting, Mapping[str, str]]:
    options, names = translated(invocation.options, life)
    return options, life.drafting, names


def _verb(verb: str, options: Options) -> str:
    """A settings file does not say which command it is for: its options do."""
    if verb != "train":
        return verb
    if options.has("export_dir"):
        return "export"
    if options.has("stage", "do_train", "dataset", "learning_rate") or not options.has("infer_backend", "template"):
        return "train"
    return "api"


def _default(name: str) -> Said | None:
    return _said(DEFAULTS[name]) if name in DEFAULTS else None


def _said(value: Any) -> Said:
    return Said(value, "default of LLaMA-Factory")


def _train(invocation: Invocation, options: Options, life: Life, hub: str) -> None:
    step = Training(life.drafting)
    stage = options.word("stage") or _said("sft")
    if not _method(stage, invocation, options, step, life):
        return
    _start(options, step, life, hub)
    check_template(options.word("template"), life.drafting)
    _data(str(stage.value), options, step, life)
    set_tuner(options, step, life)
    set_encoder(options, step, "freeze_vision_tower", "freeze_multi_modal_projector")
    _schedule(options, step, life)
    for name in ("per_device_train_batch_size", "gradient_accumulation_steps", "seed", "logging_steps", "save_steps"):
        step.set(name, options.integer(name), _default(name))
    for name in ("weight_decay", "max_grad_norm"):
        step.set(name, options.number(name), _default(name))
    step.set("save_total_limit", options.integer("save_total_limit"))
    step.set("max_length", options.integer("cutoff_len"), _default("cutoff_len"))
    _rows(str(stage.value), options, step, life)
    _computation(options, step, life)
    _spread(invocation, options, step, life)
    name = life.step_name(str(step.get("method")))
    write_step(step, name)
    output = options.take("output_dir")
    if output is not None:
        life.wrote(str(output.value), name)
        life.drafting.leave(output.origin, "every result has a folder of its own, named by its digest")


def _method(stage: Said, invocation: Invocation, options: Options, step: Training, life: Life) -> bool:
    """Set the method; LLaMA-Factory writes ORPO and SimPO as losses of DPO."""
    loss = options.word("pref_loss") or _default("pref_loss")
    assert loss is not None
    method = Said(_METHODS.get(str(stage.value)), stage.origin)
    if stage.value == "dpo" and loss.value in ("orpo", "simpo"):
        method = Said(loss.value, f"{stage.origin}, {loss.origin}")
    elif stage.value == "dpo":
        step.set("loss_type", loss)
    elif stage.value == "pt" and _megatron(invocation, options) is not None:
        method = Said("sft", f"{stage.origin}: of whole texts, with Megatron")
    if method.value is None or (method.value == "dpo" and loss.value not in _LOSSES):
        wrong = str(loss.value if method.value == "dpo" else stage.value)
        options.taken.update(options.items)
        life.drafting.refuse(stage.origin, METHODS_MISSING.get(wrong, f"`{wrong}` is not a method here"))
        return False
    step.set("method", method)
    step.set("beta", options.number("pref_beta"), _default("pref_beta"))
    step.set("simpo_gamma", options.number("simpo_gamma"), _default("simpo_gamma"))
    step.set_weights(options, ("pref_ftx",), "kto_chosen_weight", "kto_rejected_weight")
    if method.value == "ppo":
        set_ppo(options, step, life)
    return True


def _start(options: Options, step: Training, life: Life, hub: str) -> None:
    base_of(options, life, hub)
    adapter = options.take("adapter_name_or_path")
    if adapter is not None:
        earlier = life.step_of(str(adapter.value))
        if earlier is None:
            life.drafting.refuse(adapter.origin, FOREIGN_ADAPTER)
        else:
            step.set("from", Said(earlier, adapter.origin))
    resume = options.take("resume_from_checkpoint")
    if resume is not None and str(resume.value).lower() not in ("true", "false"):
        life.drafting.lose(resume.origin, "a checkpoint from elsewhere can't be gone on from: it starts anew")
    elif resume is not None:
        life.drafting.leave(resume.origin, "the daemon goes on from the last checkpoint by itself")


def _data(stage: str, options: Options, step: Training, life: Life) -> None:
    names = options.words("dataset")
    folder = options.word("dataset_dir") or _default("dataset_dir")
    assert folder is not None
    if names is None or not names.value:
        life.drafting.refuse("dataset", "nothing says what is learned from")
        return
    form = _FORMATS.get(str(step.get("method")), _FORMATS.get(stage))
    table = options.items["dataset"]
    if table.name == "train_dataset":
        step.set("data", Said(add_table(table, form, life), table.origin))
        return
    limit, shares = options.integer("max_samples"), options.words("interleave_probs")
    set_mix(options.word("mix_strategy"), step)
    if step.get("mix") in (None, "concat") and shares is not None:
        life.drafting.leave(shares.origin, "sets are put one after the other, whatever their shares")
        shares = None
    added = []
    for index, name in enumerate(names.value):
        place = str(folder.value).removeprefix("REMOTE:").rstrip("/")
        added.append(add_data_set(name, place, form, names.origin, life))
        if limit is not None and limit.value > 0:
            life.say_of_data(added[-1], "limit", limit)
        if shares is not None and index < len(shares.value) and (share := as_number(shares.value[index])):
            life.say_of_data(added[-1], "weight", Said(share, shares.origin))
    step.set("data", Said(tuple(added), names.origin))


def _schedule(options: Options, step: Training, life: Life) -> None:
    step.set("learning_rate", options.number("learning_rate"), _default("learning_rate"))
    scheduler = options.word("lr_scheduler_type") or _default("lr_scheduler_type")
    optimizer = options.word("optim") or _default("optim")
    assert scheduler is not None
    assert optimizer is not None
    step.set("lr_scheduler_type", translate_scheduler(scheduler, life.drafting))
    step.set("optim", translate_optimizer(optimizer, life.drafting))
    step.set("num_train_epochs", options.number("num_train_epochs"), _default("num_train_epochs"))
    step.set("max_steps", options.integer("max_steps"))
    set_warmup(options, step, _default("warmup_ratio"))
    set_floor(options, step, life)
    set_adam(options, step)
    set_noise(options, step)


def _rows(stage: str, options: Options, step: Training, life: Life) -> None:
    neat, packing = options.flag("neat_packing"), options.flag("packing")
    if neat is not None and neat.value:
        step.set("packing", neat)
    elif packing is not None or stage == "pt":
        step.set("packing", packing, _said(True))
        if step.get("packing") and step.get("method") == "pretrain":
            step.set("packing_strategy", Said("wrapped", f"{step.values['packing'].origin}: one endless text"))
        elif step.get("packing"):
            life.drafting.assume(
                step.values["packing"].origin, "packed rows see each other there; here they are kept apart"
            )
    else:
        step.set("packing", _said(False))
    prompt, history = options.flag("train_on_prompt"), options.flag("mask_history")
    if stage == "pt" or (prompt is not None and prompt.value):
        step.set("loss_on", Said("all", prompt.origin if prompt else "stage: pt"))
    else:
        formats = {life.drafting.value(("data", name, "format")) for name in life.drafting.names("data")}
        last = bool(history and history.value) or not formats & {"messages", None}
        step.set(
            "loss_on",
            Said("completion" if last else "replies", history.origin if history else "default of LLaMA-Factory"),
        )
    step.set("system_prompt", options.word("default_system"))
    held = options.number("val_size")
    limit = life.drafting.value(("data", str(step.get("data") and step.values["data"].value[0]), "limit"))
    if held is not None and held.value >= 1 and isinstance(limit, int) and limit > held.value:
        held = Said(round(held.value / limit, 6), f"{held.origin} of {limit}")
    if held is not None and held.value >= 1:
        life.drafting.lose(held.origin, "the language holds out a share of the rows, not a number")
    elif held is not None:
        step.set("evaluation_share", held)


def _computation(options: Options, step: Training, life: Life) -> None:
    precision = _said("auto")
    for name in ("bf16", "fp16", "pure_bf16"):
        flag = options.flag(name)
        if flag is not None and flag.value:
            precision = Said(name.removeprefix("pure_"), flag.origin)
            if name == "pure_bf16":
                life.drafting.lose(flag.origin, "the optimizer keeps its state in 32 bits here")
    step.set("precision", translate_precision(precision, life.drafting))
    off, on = options.flag("disable_gradient_checkpointing"), options.flag("gradient_checkpointing")
    if off is not None:
        step.set("gradient_checkpointing", Said(not off.value, off.origin))
    else:
        step.set("gradient_checkpointing", on, _said(True))
    attention = options.word("flash_attn")
    if attention is not None:
        step.set("attention", translate_attention(attention, life.drafting))


def _megatron(invocation: Invocation, options: Options) -> Said | None:
    """Return what says that Megatron trains: a switch, a variable, or sizes that only it has."""
    switch = options.flag("use_mca")
    if switch is not None:
        return switch if switch.value else None
    if invocation.environment.get("USE_MCA", "0").lower() in ("1", "true"):
        return Said(True, "USE_MCA")
    sizes = [options.items[theirs] for _, theirs in _SPLITS if options.has(theirs)]
    return Said(True, f"{sizes[0].origin}: only Megatron has it") if sizes else None


def _spread(invocation: Invocation, options: Options, step: Training, life: Life) -> None:
    if (megatron := _megatron(invocation, options)) is not None:
        step.set("parallelism.strategy", Said("megatron", megatron.origin))
        for ours, theirs in _SPLITS:
            said = options.integer(theirs)
            if said is not None and said.value > 1:
                step.set(f"parallelism.{ours}", said)
        step.set("parallelism.sequence_parallel", options.flag("sequence_parallel"))
    elif (option := options.take("deepspeed")) is not None:
        shard_by_deepspeed(option, step, life)
    elif (option := options.take("fsdp")) is not None:
        shard_by_fsdp(option, step, offload="offload" in str(option.value))
        options.take("fsdp_config")
    elif invocation.accelerate and "fsdp" in invocation.accelerate:
        shard_by_fsdp(
            Option("config_file", invocation.accelerate, in_command=True),
            step,
            offload="offload" in invocation.accelerate,
        )
    step.set("rows.shared", options.integer("sequence_parallel_size"))
    processes = invocation.processes or visible_accelerators(invocation.environment)
    world = (processes or 1) * (invocation.nodes or 1)
    if world > 1:
        step.set("parallelism.processes", Said(world, "accelerators that the command names"))
        step.set("parallelism.strategy", step.values.get("parallelism.strategy"), Said("ddp", f"{world} processes"))
    sharded = step.get("parallelism.strategy") not in (None, "ddp")
    life.machine(processes, invocation.nodes, sharded=sharded)
