"""What our rules ask of a training step that another framework has said, before it is written."""

import math
from collections.abc import Callable

from tunewright.compiler.facts.models import known_model
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.training import Training
from tunewright.spec.methods import METHODS, OWNERS
from tunewright.spec.tuners import TUNERS, Tuner

#: What of a tuner stands beside its type, in the order in which people read it.
_FORM = (
    "rank", "alpha", "dropout", "target_modules", "target_pattern", "modules_to_save", "bits", "ratio", "iterations",
    "groups", "layers", "patterns", "block_size", "active_layers", "interval", "scale",
)  # fmt: skip
#: The order in which people read a training step.
_ORDER = (
    "method", "from", "data", "mix", "teacher", "rewards", *(f"tuner.{name}" for name in ("type", *_FORM)),
    "learning_rate", "lr_scheduler_type", "min_lr_rate", "warmup_ratio", "warmup_steps",
    "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "max_length", "truncation", "packing", "packing_strategy", "loss_on", "beta", "loss_type", "label_smoothing",
    "sft_weight", "cpo_alpha", "simpo_gamma", "center_rewards_coefficient", "desirable_weight", "undesirable_weight",
    "num_generations", "max_completion_length", "temperature", "num_iterations", "epsilon", "scale_rewards", "gamma",
    "lam", "vf_coef",
    "weight_decay", "max_grad_norm", "optim", "adam_beta1", "adam_beta2", "adam_epsilon", "neftune_noise_alpha",
    "seed", "precision", "gradient_checkpointing", "attention", "system_prompt", "evaluation_share",
    "logging_steps", "save_steps", "save_total_limit",
    "parallelism.strategy", "parallelism.processes", "parallelism.offload_optimizer",
    "parallelism.offload_parameters", "parallelism.tensor_parallel", "parallelism.pipeline_parallel",
    "parallelism.context_parallel", "parallelism.expert_parallel", "parallelism.sequence_parallel",
)  # fmt: skip
_SHARDED = frozenset({"zero1", "zero2", "zero3", "fsdp2", "megatron"})


def write_step(training: Training, step: str) -> None:
    """Make the values of a step fit together by our rules, and write them."""
    for settle in _SETTLING:
        settle(training)
    for name in _ORDER:
        if name in training.values:
            training.drafting.put(("steps", step, "train", *name.split(".")), training.values[name])


def _settle_start(step: Training) -> None:
    """What goes on from an adapter keeps its form; what was packed is no start."""
    earlier = step.get("from")
    if earlier is None:
        return
    start = step.values["from"]
    if step.drafting.value(("steps", str(earlier), "export", "model")) is not None:
        step.drafting.refuse(start.origin, f"`{earlier}` is a package: a step goes on from a training step")
    elif _made_adapter(step, str(earlier)) and step.is_adapter:
        for name in ("type", *_FORM):
            if (said := step.values.pop(f"tuner.{name}", None)) is not None:
                step.drafting.leave(said.origin, f"the adapter of `{earlier}` keeps its form")


def _made_adapter(step: Training, earlier: str) -> bool:
    kind = step.drafting.value(("steps", earlier, "train", "tuner", "type"))
    return kind not in TUNERS or TUNERS[kind].makes_adapter


def _settle_mixture(step: Training) -> None:
    """One step learns from plain texts or from turns; prompts of their own give way to the chat template."""
    drafting, names = step.drafting, step.get("data")
    sets = [str(name) for name in names] if isinstance(names, tuple) else []
    texts = [name for name in sets if drafting.value(("data", name, "format")) == "text"]
    posed = [name for name in sets if drafting.value(("data", name, "prompt_template")) is not None]
    turns = [name for name in sets if name not in (*texts, *posed)]
    if texts and len(texts) < len(sets):
        step.drafting.refuse(f"{texts[0]} and {(turns or posed)[0]}", "plain texts and replies need two steps here")
    elif posed and turns:
        for name in posed:
            drafting.take_back(("data", name, "prompt_template"))
            drafting.lose(f"the prompt around {name}", f"beside the turns of {turns[0]} the chat template is used")


def _settle_tuner(step: Training) -> None:
    """A tuner has keys of its own, methods that it learns by, and perhaps an optimizer that it brings."""
    tuner = step.tuner
    if tuner is None:
        return
    step.drop(*(f"tuner.{name}" for name in _FORM if name not in tuner.own_keys))
    method, kind = METHODS.get(str(step.get("method"))), step.values["tuner.type"]
    if (tuner.methods and step.get("method") not in tuner.methods) or (
        method is not None and method.has_reference and not tuner.keeps_base
    ):
        step.drafting.refuse(kind.origin, f"{step.get('method')} can't learn with {tuner.word} here")
    elif method is not None and method.needs_adapter and not tuner.makes_adapter:
        step.drafting.refuse(kind.origin, f"{step.get('method')} compares with the base: it learns an adapter here")
    if tuner.optimizer and "optim" in step.values and step.get("optim") != tuner.optimizer:
        if "8bit" in str(step.get("optim")):
            step.drafting.lose(step.values["optim"].origin, f"{tuner.word} keeps its state in 32 bits here")
        step.drop("optim")
    if not tuner.packs and step.get("packing"):
        step.drafting.lose(step.values["packing"].origin, f"rows are not packed with {tuner.word} here")
        step.drop("packing", "packing_strategy")


def _settle_length(step: Training) -> None:
    """Beyond its context no model knows positions; the frameworks cut there, or train into the unknown."""
    source = str(step.drafting.value(("base", "model")) or "")
    model = known_model(source.split("://", 1)[-1].split("@")[0], source)
    context = model.max_position_embeddings if model else None
    length = step.get("max_length")
    if context and isinstance(length, int) and length > context:
        step.drafting.lose(step.values["max_length"].origin, f"the model knows {context} positions")
        step.change("max_length", context, f"the model knows {context} positions")
    if "max_length" not in step.values and context:
        step.set("max_length", Said(context, "the model's context, as the framework takes it when nothing is said"))
    elif "max_length" not in step.values:
        step.drafting.lose(
            "max_length", "the framework takes the model's context, which is not known here: write `max_length`"
        )


def _settle_method(step: Training) -> None:
    """Keys of other methods mean nothing; a penalty of 0 is none where the method needs one."""
    method = METHODS[str(step.get("method"))]
    step.drop(*(name for name in OWNERS if name not in method.own_keys))
    least, most = method.ranges.get("beta", (0.0, math.inf))
    if (beta := step.get("beta")) is not None and not least <= float(str(beta)) <= most:
        step.drafting.refuse(step.values["beta"].origin, f"{method.word} takes a `beta` from {least:g} to {most:g}")


def _settle_schedule(step: Training) -> None:
    steps = step.get("max_steps")
    if isinstance(steps, int) and steps > 0:
        step.drop("num_train_epochs")
    else:
        step.drop("max_steps")


def _settle_packing(step: Training) -> None:
    if not step.get("packing"):
        return
    packing = step.values["packing"]
    ways = METHODS[str(step.get("method"))].packing
    if not ways:
        step.drop("packing", "packing_strategy")
        step.drafting.lose(packing.origin, "preference methods compare whole rows and can't pack them")
        return
    if step.get("packing_strategy") == "wrapped":
        return  # rows see each other there, and here
    attention = step.get("attention")
    if attention in ("eager", "sdpa"):
        step.drafting.assume(packing.origin, f"flash attention keeps packed rows apart, {attention} does not")
        step.change("attention", "flash_attention_2", "packing needs it")
    elif attention != "flash_attention_2":
        step.set("attention", Said("flash_attention_2", f"{packing.origin}: keeps packed rows apart"))


def _settle_pairs(step: Training) -> None:
    """KTO needs two rows at once: the same rows a step, divided otherwise."""
    if step.get("method") != "kto" or step.get("per_device_train_batch_size") != 1:
        return
    accumulation = step.get("gradient_accumulation_steps")
    if isinstance(accumulation, int) and accumulation % 2 == 0:
        step.change("per_device_train_batch_size", 2, "KTO compares rows")
        step.change("gradient_accumulation_steps", accumulation // 2, "as many rows a step as before")
    else:
        step.drafting.lose(step.values["per_device_train_batch_size"].origin, "KTO needs at least 2 rows at once")
        step.change("per_device_train_batch_size", 2, "KTO compares rows")


def _settle_sharding(step: Training) -> None:
    strategy = step.get("parallelism.strategy")
    tuner = step.tuner
    if tuner is not None and tuner.base_bits is None and strategy is not None:
        _settle_undivided(step, tuner)
        strategy = step.get("parallelism.strategy")
    if step.get("tuner.type") == "qlora" and strategy in ("zero3", "fsdp2"):
        step.drafting.leave(
            step.values["parallelism.strategy"].origin, "quantised weights are not sharded here; the result is the same"
        )
        step.change("parallelism.strategy", "ddp", "quantised weights are not sharded here")
        step.drop("parallelism.offload_optimizer", "parallelism.offload_parameters")
    if "8bit" in str(step.get("optim")) and step.get("parallelism.strategy") in _SHARDED:
        step.drafting.lose(step.values["optim"].origin, "8-bit optimizer state can't be sharded")
        step.change("optim", "adamw_torch", "8-bit state can't be sharded")
    strategy = step.get("parallelism.strategy")
    for part, strategies in (("optimizer", ("zero2", "zero3")), ("parameters", ("zero3",))):
        name = f"parallelism.offload_{part}"
        if step.get(name) == "cpu" and strategy not in strategies:
            step.drafting.leave(
                step.values[name].origin, f"{strategy} can't move its {part} to the host; the result is the same"
            )
            step.drop(name)
    if (step.get("parallelism.processes") or 0) == 1 and strategy == "ddp":
        step.drop("parallelism.strategy", "parallelism.processes")


def _settle_undivided(step: Training, tuner: Tuner) -> None:
    """A tuner that learns right only where nothing is divided runs side by side, or alone."""
    said = step.values["parallelism.strategy"]
    if said.value in tuner.strategies:
        return
    beside = "ddp" if "ddp" in tuner.strategies else "single"
    if beside == "single" and (step.get("parallelism.processes") or 1) != 1:
        step.drafting.lose(said.origin, f"{tuner.word} runs in one process here: a step has as many times fewer rows")
        step.drop("parallelism.processes")
    else:
        step.drafting.leave(said.origin, f"{tuner.word} is not divided here; the result is the same")
    step.change("parallelism.strategy", beside, f"{tuner.word} is not divided here")
    step.drop("parallelism.offload_optimizer", "parallelism.offload_parameters")


def _settle_shared_rows(step: Training) -> None:
    """Processes that share each row there take rows of their own here: as many fewer are added up."""
    shared = step.values.pop("rows.shared", None)
    if shared is None or shared.value <= 1:
        return
    accumulation, processes = step.get("gradient_accumulation_steps"), step.get("parallelism.processes")
    if isinstance(accumulation, int) and isinstance(processes, int) and accumulation % shared.value == 0:
        why = f"{shared.value} processes share each row there, and none here"
        step.change("gradient_accumulation_steps", accumulation // shared.value, why)
        step.drafting.leave(shared.origin, "as many rows a step, each in one process")
    else:
        step.drafting.lose(shared.origin, "each process takes rows of its own here: a step has as many times more rows")


def _settle_precision(step: Training) -> None:
    if step.get("precision") == "fp16" and not step.is_adapter:
        step.drafting.lose(
            step.values["precision"].origin, "full fine-tuning in fp16 loses its gradients; `auto` instead"
        )
        step.change("precision", "auto", "fp16 loses the gradients of full weights")
    if step.get("precision") == "fp32" and step.get("attention") == "flash_attention_2":
        step.drafting.lose(
            step.values["precision"].origin, "flash attention computes in bf16 or fp16 only; `auto` instead"
        )
        step.change("precision", "auto", "flash attention needs 16 bits")


def _settle_megatron(step: Training) -> None:
    if step.get("parallelism.strategy") != "megatron":
        return
    if not METHODS[str(step.get("method"))].on_megatron:
        step.drafting.refuse(step.values["method"].origin, f"{step.get('method')} is not available with Megatron here")
    if step.get("packing"):
        step.drafting.lose(step.values["packing"].origin, "rows are not packed with Megatron here")
        step.drop("packing")
    if (step.get("parallelism.tensor_parallel") or 1) == 1 and step.get("parallelism.sequence_parallel"):
        step.drafting.leave(
            step.values["parallelism.sequence_parallel"].origin, "does nothing without tensor parallelism"
        )
        step.drop("parallelism.sequence_parallel")


_SETTLING: tuple[Callable[[Training], None], ...] = (
    _settle_start,
    _settle_mixture,
    _settle_tuner,
    _settle_length,
    _settle_method,
    _settle_schedule,
    _settle_packing,
    _settle_pairs,
    _settle_shared_rows,
    _settle_sharding,
    _settle_precision,
    _settle_megatron,
)
