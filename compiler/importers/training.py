"""A training step in our words, before it is written: what several frameworks say alike, and what our rules ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunewright.compiler.facts.models import known_model
from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.words import ATTENTION, OPTIMIZERS, PRECISIONS, SCHEDULERS

#: The order in which people read a training step.
_ORDER = (
    "method", "from", "data", "tuner.type", "tuner.rank", "tuner.alpha", "tuner.dropout", "tuner.target_modules",
    "tuner.target_pattern", "tuner.modules_to_save", "tuner.bits",
    "learning_rate", "lr_scheduler_type", "min_lr_rate", "warmup_ratio", "warmup_steps",
    "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "max_length", "packing", "loss_on", "beta", "loss_type", "sft_weight", "desirable_weight", "undesirable_weight",
    "weight_decay", "max_grad_norm", "optim", "adam_beta1", "adam_beta2", "adam_epsilon", "neftune_noise_alpha",
    "seed", "precision", "gradient_checkpointing", "attention", "system_prompt", "evaluation_share",
    "logging_steps", "save_steps", "save_total_limit",
    "parallelism.strategy", "parallelism.processes", "parallelism.offload_optimizer",
    "parallelism.offload_parameters", "parallelism.tensor_parallel", "parallelism.pipeline_parallel",
    "parallelism.context_parallel", "parallelism.expert_parallel", "parallelism.sequence_parallel",
)  # fmt: skip
#: The form of an adapter.
_FORM = ("rank", "alpha", "dropout", "target_modules", "target_pattern", "modules_to_save", "bits")
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

    def _is_adapter(self) -> bool:
        return self.get("tuner.type") != "full"


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
    elif step.drafting.value(("steps", str(earlier), "train", "tuner", "type")) != "full" and step._is_adapter():
        for name in ("type", *_FORM):
            if (said := step.values.pop(f"tuner.{name}", None)) is not None:
                step.drafting.leave(said.origin, f"the adapter of `{earlier}` keeps its form")


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
    if not step._is_adapter():
        step._drop(*(f"tuner.{name}" for name in _FORM))


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
    method = step.get("method")
    if method != "dpo":
        step._drop("loss_type", "sft_weight")
    if method != "kto":
        step._drop("desirable_weight", "undesirable_weight")
    if method == "sft":
        step._drop("beta")
    else:
        step._drop("loss_on")


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
    if step.get("method") != "sft":
        step._drop("packing")
        step.drafting.lose(packing.origin, "preference methods compare whole rows and can't pack them")
        return
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
    if step.get("method") in ("orpo", "kto"):
        step.drafting.refuse(step.values["method"].origin, f"{step.get('method')} is not available with Megatron here")
    if (second := step.values.pop("sft_weight", None)) is not None:
        step.drafting.lose(second.origin, "DPO has no supervised term with Megatron here")
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
