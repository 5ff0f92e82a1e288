"""A training step in our words, before it is written: what several frameworks say alike, and what our rules ask for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunewright.compiler.facts.models import known_model
from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.words import ATTENTION, OPTIMIZERS, PRECISIONS, SCHEDULERS
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


@dataclass(slots=True)
class Training:
    """Values of one training step by our dotted names."""

    drafting: Drafting
    values: dict[str, Said] = field(default_factory=dict)

    def set(self, name: str, said: Said | None, default: Said | None = None) -> None:
        """Set a value, or the default where nothing is said; nothing where both are missing."""
        chosen = said or default
        if chosen is not None:
            self.values[name] = chosen

    def get(self, name: str) -> object:
        """Return a value, or None."""
        said = self.values.get(name)
        return said.value if said else None

    def write(self, step: str) -> None:
        """Make the values fit together by our rules, and write the step."""
        for settle in _SETTLING:
            settle(self)
        for name in _ORDER:
            if name in self.values:
                self.drafting.put(("steps", step, "train", *name.split(".")), self.values[name])

    def _change(self, name: str, value: object, why: str) -> None:
        self.values[name] = self.values[name].but(value, why)

    def _drop(self, *names: str) -> None:
        for name in names:
            self.values.pop(name, None)

    def set_weights(self, options: Options, second: Sequence[str], good: str, bad: str) -> None:
        """Set how much good and bad replies count, and the supervised term of pairs (its names: `second`)."""
        if self.get("method") == "kto":
            self.set("desirable_weight", options.number(good))
            self.set("undesirable_weight", options.number(bad))
        elif self.get("method") == "dpo":
            weight = options.number(*second)
            self.set("sft_weight", weight if weight is not None and weight.value > 0 else None)

    def drop_unused(self, why: str, *names: str) -> None:
        """Take values back that mean nothing here; what was written is named among what is left out."""
        for name in names:
            if (said := self.values.pop(name, None)) is not None:
                self.drafting.leave(said.origin, why)

    def vary(self, kind: str, said: Said) -> bool:
        """Make plain LoRA a variant of it; on a base held in few bits, or beside another variant, it stays as it is."""
        if self.get("tuner.type") == "lora":
            self.values["tuner.type"] = Said(kind, said.origin)
            return True
        held = self.get("tuner.type") == "qlora"
        self.drafting.lose(
            said.origin,
            "on a base held in few bits adapters are plain LoRA here"
            if held
            else f"a step has one tuner, and this one has `{self.get('tuner.type')}`",
        )
        return False

    @property
    def tuner(self) -> Tuner | None:
        """What the table says of the tuner; None for one that it does not have, which is refused."""
        return TUNERS.get(str(self.get("tuner.type")))

    def _is_adapter(self) -> bool:
        return self.tuner is not None and self.tuner.makes_adapter


def translate_optimizer(said: Said, drafting: Drafting) -> Said | None:
    """Return our optimizer; one that the language lacks is refused: another learns another model."""
    name = str(said.value).lower().removeprefix("optimizernames.")
    found = OPTIMIZERS.get(name)
    if found is None:
        drafting.refuse(said.origin, f"the optimizer is not one of the language's ({', '.join(_words(OPTIMIZERS))})")
        return None
    if found.loss:
        drafting.leave(said.origin, found.loss)
    return Said(found.word, said.origin)


def translate_scheduler(said: Said, drafting: Drafting) -> Said | None:
    """Return our scheduler; one that the language lacks is refused."""
    found = SCHEDULERS.get(str(said.value).lower().removeprefix("schedulertype."))
    if found is None:
        drafting.refuse(said.origin, f"the schedule is not one of the language's ({', '.join(_words(SCHEDULERS))})")
        return None
    if found.loss:
        drafting.lose(said.origin, found.loss)
    return Said(found.word, said.origin)


def translate_attention(said: Said, drafting: Drafting) -> Said:
    """Return our attention; implementations differ in speed, not in what they compute."""
    found = ATTENTION.get(str(said.value).lower())
    if found is None:
        drafting.leave(said.origin, "implementations of attention compute the same; `auto` chooses one")
        return Said("auto", said.origin)
    return Said(found.word, said.origin)


def translate_precision(said: Said, drafting: Drafting) -> Said:
    """Return our precision."""
    found = PRECISIONS.get(str(said.value).lower().removeprefix("torch."))
    if found is None:
        drafting.lose(said.origin, "is no number format of the language; `auto` chooses one")
        return Said("auto", said.origin)
    return Said(found, said.origin)


def _words(table: object) -> list[str]:
    assert isinstance(table, dict)
    return sorted({translation.word for translation in table.values()})


def _settle_start(step: Training) -> None:
    """What goes on from an adapter keeps its form; what was packed is no start."""
    earlier = step.get("from")
    if earlier is None:
        return
    start = step.values["from"]
    if step.drafting.value(("steps", str(earlier), "export", "model")) is not None:
        step.drafting.refuse(start.origin, f"`{earlier}` is a package: a step goes on from a training step")
    elif _made_adapter(step, str(earlier)) and step._is_adapter():
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
    step._drop(*(f"tuner.{name}" for name in _FORM if name not in tuner.own_keys))
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
        step._drop("optim")
    if not tuner.packs and step.get("packing"):
        step.drafting.lose(step.values["packing"].origin, f"rows are not packed with {tuner.word} here")
        step._drop("packing", "packing_strategy")


def _settle_length(step: Training) -> None:
    """Beyond its context no model knows positions; the frameworks cut there, or train into the unknown."""
    source = str(step.drafting.value(("base", "model")) or "")
    model = known_model(source.split("://", 1)[-1].split("@")[0], source)
    context = model.max_position_embeddings if model else None
    length = step.get("max_length")
    if context and isinstance(length, int) and length > context:
        step.drafting.lose(step.values["max_length"].origin, f"the model knows {context} positions")
        step._change("max_length", context, f"the model knows {context} positions")
    if "max_length" not in step.values and context:
        step.set("max_length", Said(context, "the model's context, as the framework takes it when nothing is said"))
    elif "max_length" not in step.values:
        step.drafting.lose(
            "max_length", "the framework takes the model's context, which is not known here: write `max_length`"
        )


def _settle_method(step: Training) -> None:
    """Keys of other methods mean nothing; a penalty of 0 is none where the method needs one."""
    method = METHODS[str(step.get("method"))]
    step._drop(*(name for name in OWNERS if name not in method.own_keys))
    least, most = method.ranges.get("beta", (0.0, math.inf))
    if (beta := step.get("beta")) is not None and not least <= float(str(beta)) <= most:
        step.drafting.refuse(step.values["beta"].origin, f"{method.word} takes a `beta` from {least:g} to {most:g}")


def _settle_schedule(step: Training) -> None:
    steps = step.get("max_steps")
    if isinstance(steps, int) and steps > 0:
        step._drop("num_train_epochs")
    else:
        step._drop("max_steps")


def _settle_packing(step: Training) -> None:
    if not step.get("packing"):
        return
    packing = step.values["packing"]
    ways = METHODS[str(step.get("method"))].packing
    if not ways:
        step._drop("packing", "packing_strategy")
        step.drafting.lose(packing.origin, "preference methods compare whole rows and can't pack them")
        return
    if step.get("packing_strategy") == "wrapped":
        return  # rows see each other there, and here
    attention = step.get("attention")
    if attention in ("eager", "sdpa"):
        step.drafting.assume(packing.origin, f"flash attention keeps packed rows apart, {attention} does not")
        step._change("attention", "flash_attention_2", "packing needs it")
    elif attention != "flash_attention_2":
        step.set("attention", Said("flash_attention_2", f"{packing.origin}: keeps packed rows apart"))


def _settle_pairs(step: Training) -> None:
    """KTO needs two rows at once: the same rows a step, divided otherwise."""
    if step.get("method") != "kto" or step.get("per_device_train_batch_size") != 1:
        return
    accumulation = step.get("gradient_accumulation_steps")
    if isinstance(accumulation, int) and accumulation % 2 == 0:
        step._change("per_device_train_batch_size", 2, "KTO compares rows")
        step._change("gradient_accumulation_steps", accumulation // 2, "as many rows a step as before")
    else:
        step.drafting.lose(step.values["per_device_train_batch_size"].origin, "KTO needs at least 2 rows at once")
        step._change("per_device_train_batch_size", 2, "KTO compares rows")


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
        step._change("parallelism.strategy", "ddp", "quantised weights are not sharded here")
        step._drop("parallelism.offload_optimizer", "parallelism.offload_parameters")
    if "8bit" in str(step.get("optim")) and step.get("parallelism.strategy") in _SHARDED:
        step.drafting.lose(step.values["optim"].origin, "8-bit optimizer state can't be sharded")
        step._change("optim", "adamw_torch", "8-bit state can't be sharded")
    strategy = step.get("parallelism.strategy")
    for part, strategies in (("optimizer", ("zero2", "zero3")), ("parameters", ("zero3",))):
        name = f"parallelism.offload_{part}"
        if step.get(name) == "cpu" and strategy not in strategies:
            step.drafting.leave(
                step.values[name].origin, f"{strategy} can't move its {part} to the host; the result is the same"
            )
            step._drop(name)
    if (step.get("parallelism.processes") or 0) == 1 and strategy == "ddp":
        step._drop("parallelism.strategy", "parallelism.processes")


def _settle_undivided(step: Training, tuner: Tuner) -> None:
    """A tuner that learns right only where nothing is divided runs side by side, or alone."""
    said = step.values["parallelism.strategy"]
    if said.value in tuner.strategies:
        return
    beside = "ddp" if "ddp" in tuner.strategies else "single"
    if beside == "single" and (step.get("parallelism.processes") or 1) != 1:
        step.drafting.lose(said.origin, f"{tuner.word} runs in one process here: a step has as many times fewer rows")
        step._drop("parallelism.processes")
    else:
        step.drafting.leave(said.origin, f"{tuner.word} is not divided here; the result is the same")
    step._change("parallelism.strategy", beside, f"{tuner.word} is not divided here")
    step._drop("parallelism.offload_optimizer", "parallelism.offload_parameters")


def _settle_shared_rows(step: Training) -> None:
    """Processes that share each row there take rows of their own here: as many fewer are added up."""
    shared = step.values.pop("rows.shared", None)
    if shared is None or shared.value <= 1:
        return
    accumulation, processes = step.get("gradient_accumulation_steps"), step.get("parallelism.processes")
    if isinstance(accumulation, int) and isinstance(processes, int) and accumulation % shared.value == 0:
        why = f"{shared.value} processes share each row there, and none here"
        step._change("gradient_accumulation_steps", accumulation // shared.value, why)
        step.drafting.leave(shared.origin, "as many rows a step, each in one process")
    else:
        step.drafting.lose(shared.origin, "each process takes rows of its own here: a step has as many times more rows")


def _settle_precision(step: Training) -> None:
    if step.get("precision") == "fp16" and not step._is_adapter():
        step.drafting.lose(
            step.values["precision"].origin, "full fine-tuning in fp16 loses its gradients; `auto` instead"
        )
        step._change("precision", "auto", "fp16 loses the gradients of full weights")
    if step.get("precision") == "fp32" and step.get("attention") == "flash_attention_2":
        step.drafting.lose(
            step.values["precision"].origin, "flash attention computes in bf16 or fp16 only; `auto` instead"
        )
        step._change("precision", "auto", "flash attention needs 16 bits")


def _settle_megatron(step: Training) -> None:
    if step.get("parallelism.strategy") != "megatron":
        return
    if not METHODS[str(step.get("method"))].on_megatron:
        step.drafting.refuse(step.values["method"].origin, f"{step.get('method')} is not available with Megatron here")
    if step.get("packing"):
        step.drafting.lose(step.values["packing"].origin, "rows are not packed with Megatron here")
        step._drop("packing")
    if (step.get("parallelism.tensor_parallel") or 1) == 1 and step.get("parallelism.sequence_parallel"):
        step.drafting.leave(
            step.values["parallelism.sequence_parallel"].origin, "does nothing without tensor parallelism"
        )
        step._drop("parallelism.sequence_parallel")


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
