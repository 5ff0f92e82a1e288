"""ms-swift 2.x to 4.x: `swift sft`, `pt`, `rlhf` and what comes after them."""

import math
import re
from collections.abc import Callable

from tunewright.compiler.importers import ms_swift_megatron, ms_swift_release
from tunewright.compiler.importers.deepspeed import shard_by_deepspeed, shard_by_fsdp
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.invocation import Invocation, visible_accelerators
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.ms_swift_call import Call
from tunewright.compiler.importers.ms_swift_rewards import set_generation, widen
from tunewright.compiler.importers.ms_swift_tuners import set_tuner
from tunewright.compiler.importers.ms_swift_vocabulary import (
    ADAPTER_RATE,
    FULL_RATE,
    NEWEST,
    RENAMES,
    ROWS_A_STEP,
    VOCABULARY,
    Version,
)
from tunewright.compiler.importers.options import Options, as_integer
from tunewright.compiler.importers.schedule import set_floor, set_warmup
from tunewright.compiler.importers.training import (
    Training,
    translate_attention,
    translate_optimizer,
    translate_scheduler,
)
from tunewright.spec.methods import METHODS

_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}")


def parse_version(text: str) -> Version | None:
    """Return `3.7` as numbers, None when it is no version."""
    return tuple(int(part) for part in text.split(".")) if _VERSION.fullmatch(text) else None


def guess_version(invocation: Invocation) -> Version:
    """Return the newest version that knows the names a call uses."""
    names = {option.name for option in invocation.options}
    if names & {"sft_type", "model_id_or_path", "template_type", "lora_dropout_p", "custom_train_dataset_path"}:
        return (2, 6)
    if names & {"train_type", "load", "max_epochs", "save"}:
        return (3, 12)
    return NEWEST


def import_ms_swift(invocation: Invocation, life: Life, version: Version) -> None:
    """Add the step that a call of ms-swift means."""
    options = Options.of(invocation.options, life.drafting, RENAMES)
    call = Call(invocation, options, life, version)
    action = _ACTIONS.get(invocation.verb)
    if action is None:
        life.drafting.refuse(call.name, "is no command that can become a step")
        return
    action(call)
    VOCABULARY.report(options)


def _train(call: Call) -> None:
    options, life = call.options, call.life
    step = Training(life.drafting)
    if not call.set_method(step):
        return
    options.take("template")
    _start(call, step)
    call.set_data(step)
    set_tuner(call, step, call.default("tuner_type"))
    set_generation(call, step)
    is_full = step.get("tuner.type") == "full"
    rate = call.said(FULL_RATE if is_full else ADAPTER_RATE)
    step.set("learning_rate", options.number("learning_rate"), rate)
    scheduler = options.word("lr_scheduler_type") or call.default("lr_scheduler_type")
    step.set("lr_scheduler_type", translate_scheduler(scheduler, life.drafting) if scheduler else None)
    step.set("num_train_epochs", options.number("num_train_epochs"), call.default("num_train_epochs"))
    step.set("max_steps", options.integer("max_steps"))
    set_warmup(options, step, call.default("warmup_ratio"))
    set_floor(options, step, life)
    _batch(call, step)
    _shared(call, step)
    widen(call, step)
    _memory(call, step)
    _parallelism(call, step)
    call.finish(step)


def _start(call: Call, step: Training) -> None:
    """Where the step starts: the base model, an adapter or a checkpoint of an earlier step."""
    source = call.model()
    for name in ("adapters", "resume_from_checkpoint"):
        option = call.options.take(name)
        if option is None:
            continue
        earlier = call.life.step_of(str(option.value))
        if earlier:
            source, step.values["from"] = earlier, Said(earlier, option.origin)
        elif name == "adapters":
            call.life.drafting.refuse(option.origin, call.FOREIGN_ADAPTER)
        elif str(option.value).lower() not in ("true", "false"):
            call.life.drafting.lose(option.origin, "a checkpoint from elsewhere can't be gone on from: it starts anew")
        else:
            call.life.drafting.leave(option.origin, "the daemon goes on from the last checkpoint by itself")
    if source not in (None, "base") and "from" not in step.values:
        step.set("from", Said(source, "the model of the step before"))


def _batch(call: Call, step: Training) -> None:
    step.set(
        "per_device_train_batch_size",
        call.options.integer("per_device_train_batch_size"),
        call.default("per_device_train_batch_size"),
    )
    rows = as_integer(step.get("per_device_train_batch_size")) or 1
    world = (call.invocation.processes or 1) * (call.invocation.nodes or 1)
    generated = METHODS[str(step.get("method"))].generates
    accumulation = 1 if generated else max(1, math.ceil(ROWS_A_STEP / (max(1, rows) * world)))
    step.set(
        "gradient_accumulation_steps", call.options.integer("gradient_accumulation_steps"), call.said(accumulation)
    )


def _shared(call: Call, step: Training) -> None:
    options = call.options
    step.set("max_length", options.integer("max_length"), call.default("max_length"))
    step.set("packing", options.flag("packing", "sft_packing"), call.default("packing"))
    call.set_loss(step)
    step.set("weight_decay", options.number("weight_decay"), call.default("weight_decay"))
    step.set("max_grad_norm", options.number("max_grad_norm"), call.default("max_grad_norm"))
    optimizer = options.word("optim") or call.default("optim")
    step.set("optim", translate_optimizer(optimizer, call.life.drafting) if optimizer else None)
    step.set("seed", options.integer("seed"), call.default("seed"))
    call.set_precision(step)
    call.set_system(step)
    step.set("evaluation_share", options.number("split_dataset_ratio"), call.default("split_dataset_ratio"))
    for name in ("logging_steps", "save_steps", "save_total_limit"):
        step.set(name, options.integer(name), call.default(name))
    call.check_rest(step)


def _memory(call: Call, step: Training) -> None:
    options = call.options
    checkpointing = options.flag("gradient_checkpointing")
    step.set("gradient_checkpointing", checkpointing, call.default("gradient_checkpointing"))
    flag = options.flag("use_flash_attn")
    attention = options.word("attn_impl")
    if attention is None and flag is not None and flag.value:
        attention = Said("flash_attn", flag.origin)
    if attention is not None:
        step.set("attention", translate_attention(attention, call.life.drafting))


def _parallelism(call: Call, step: Training) -> None:
    invocation, options = call.invocation, call.options
    world = (invocation.processes or 1) * (invocation.nodes or 1)
    if (option := options.take("deepspeed")) is not None:
        shard_by_deepspeed(option, step, call.life)
    elif (option := options.take("fsdp")) is not None:
        shard_by_fsdp(option, step, offload="offload" in str(option.value))
        options.take("fsdp_config")
    elif world > 1:
        step.set("parallelism.strategy", Said("ddp", f"{world} processes"))
    shown = invocation.processes or visible_accelerators(invocation.environment)
    if world == 1 and shown is not None and shown > 1:
        _divide(call, step, shown)
    if world > 1:
        step.set(
            "parallelism.processes", Said(world, "NPROC_PER_NODE and NNODES" if invocation.nodes else "NPROC_PER_NODE")
        )
    step.set("rows.shared", options.integer("sequence_parallel_size"))
    sharded = step.get("parallelism.strategy") not in (None, "ddp")
    call.life.machine(shown or 1, invocation.nodes, sharded=sharded)


def _divide(call: Call, step: Training, shown: int) -> None:
    """One process over several accelerators becomes a process for each, with as many rows a step in all."""
    accumulation = as_integer(step.get("gradient_accumulation_steps")) or 1
    why = f"one process over {shown} accelerators there"
    if accumulation % shown == 0:
        said = step.values["gradient_accumulation_steps"]
        step.set(
            "gradient_accumulation_steps", said.but(accumulation // shown, f"{accumulation} over {shown} processes")
        )
        step.set("parallelism.processes", Said(shown, why))
        call.life.drafting.assume("CUDA_VISIBLE_DEVICES", f"{why}: here a process for each, with as many rows a step")
    else:
        step.set("parallelism.strategy", Said("single", why))


def _infer(call: Call) -> None:
    call.options.taken.update(call.options.items)
    call.life.drafting.lose(
        call.name, "asking a model by hand is no step: serve it with `deploy`, or measure it with `evaluate`"
    )


def _rollout(call: Call) -> None:
    call.options.taken.update(call.options.items)
    call.life.drafting.refuse(call.name, "generating replies for a trainer is not in the language")


_ACTIONS: dict[str, Callable[[Call], None]] = {
    "sft": _train,
    "pt": _train,
    "rlhf": _train,
    "megatron sft": ms_swift_megatron.train,
    "megatron pt": ms_swift_megatron.train,
    "megatron rlhf": ms_swift_megatron.train,
    "export": ms_swift_release.export,
    "megatron export": ms_swift_release.export,
    "merge-lora": ms_swift_release.export,
    "deploy": ms_swift_release.deploy,
    "eval": ms_swift_release.evaluate,
    "infer": _infer,
    "app": _infer,
    "web-ui": _infer,
    "rollout": _rollout,
    "sample": _rollout,
}
