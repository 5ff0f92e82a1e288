"""What of a model learns with Axolotl: `adapter`, and the switches that change what it means."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.facts.families import family_of
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.importers.axolotl_vocabulary import DEFAULTS
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.layers import set_layers, set_saved
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Options, as_number
from tunewright.compiler.importers.training import Training
from tunewright.compiler.importers.variants import set_start, set_variants

_FLAGS = (("peft_use_dora", "dora"), ("peft_use_rslora", "rslora"), ("s2_attention", "longlora"))
_OF_ADAPTERS = (
    "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear", "peft_use_dora",
    "peft_use_rslora", "lora_modules_to_save", "loraplus_lr_ratio", "peft_init_lora_weights",
)  # fmt: skip
#: Optimizers that are a tuner here -> the tuner and the optimizer that steps inside it.
_PROJECTED: Mapping[str, str] = {
    "galore_adamw": "galore",
    "galore_adamw_layerwise": "galore",
    "galore_adamw_8bit": "galore",
    "q_galore_adamw8bit": "q_galore",
}
#: Our key -> the word inside `optim_args`, the option of Q-GaLore, and what holds where nothing is written.
_PROJECTION = (
    ("rank", "rank", "qgalore_rank", 128),
    ("interval", "update_proj_gap", "qgalore_update_proj_gap", 200),
    ("scale", "scale", "qgalore_scale", 0.25),
)


def set_tuner(options: Options, step: Training, life: Life) -> None:
    """Set the tuner and its own keys."""
    kind = options.word("adapter")
    four, eight = options.flag("load_in_4bit"), options.flag("load_in_8bit")
    if kind is None or kind.value == "none":
        said = kind.but("full", "all weights learn") if kind else Said("full", "no `adapter`: all weights learn")
        step.set("tuner.type", said)
        _full(options, step, life)
        return
    if kind.value not in ("lora", "qlora"):
        life.drafting.refuse(kind.origin, f"`{kind.value}` is no adapter of Axolotl that is known here: lora, qlora")
    quantized = kind.value == "lora" and four is not None and four.value
    step.set("tuner.type", Said("qlora", f"{kind.origin}, {four.origin}") if quantized and four else kind)
    if eight is not None and eight.value and kind.value == "lora" and not quantized:
        step.set("tuner.type", Said("qlora", f"{kind.origin}, {eight.origin}"))
        step.set("tuner.bits", Said(8, eight.origin))
    for ours, theirs in (("rank", "lora_r"), ("alpha", "lora_alpha")):
        size = options.integer(theirs) if ours == "rank" else options.number(theirs)
        if size is None:
            life.drafting.refuse(theirs, f"`adapter: {kind.value}` needs it, and it is not written")
        step.set(f"tuner.{ours}", size)
    step.set("tuner.dropout", options.number("lora_dropout"), Said(DEFAULTS["lora_dropout"], "default of Axolotl"))
    _layers(options, step, life)
    set_saved(options, step, "lora_modules_to_save")
    set_variants(options, step, _FLAGS, "loraplus_lr_ratio")
    set_start(options, step, "peft_init_lora_weights")


def _full(options: Options, step: Training, life: Life) -> None:
    for name in _OF_ADAPTERS:
        if (option := options.take(name)) is not None:
            life.drafting.leave(option.origin, "means nothing where all weights learn")
    layers = options.integer("lisa_n_layers")
    if layers is not None and layers.value > 0:
        step.set("tuner.type", Said("lisa", layers.origin))
        step.set("tuner.active_layers", layers)
        step.set("tuner.interval", options.integer("lisa_step_interval"))
        if (where := options.take("lisa_layers_attribute")) is not None:
            life.drafting.leave(where.origin, "found out from the model itself")
    _projected(options, step, life)
    named = options.words("unfrozen_parameters")
    if named is None:
        return
    if any("[" in name.split("$")[-1] for name in named.value if "$" in name):
        life.drafting.refuse(named.origin, "rows of a parameter can't learn without the others")
        return
    step.set("tuner.type", Said("freeze", named.origin))
    # A dot is a dot there, whatever stands behind it.
    step.set("tuner.patterns", Said(tuple(name.replace(".", r"\.") for name in named.value), named.origin))


def _projected(options: Options, step: Training, life: Life) -> None:
    optimizer = options.items.get("optimizer")
    name = str(optimizer.value) if optimizer is not None else ""
    if optimizer is None or name not in _PROJECTED:
        return
    step.set("tuner.type", Said(_PROJECTED[name], options.items["optimizer"].origin))
    pairs = _arguments(options)
    for ours, inside, own, usual in _PROJECTION:
        said = options.number(own)
        if said is None and (number := as_number(pairs.get(inside))) is not None:
            said = Said(number, f"optim_args: {inside} {pairs[inside]}")
        said = said or Said(usual, "default of the optimizer")
        step.set(f"tuner.{ours}", said if ours == "scale" else Said(int(said.value), said.origin))
    if (targets := options.take("optim_target_modules")) is not None:
        life.drafting.lose(targets.origin, "the gradients of all linear layers are projected")


def _arguments(options: Options) -> Mapping[str, Any]:
    """Return the optimizer's own settings: a mapping, or `name=value` parted by commas."""
    option = options.take("optim_args")
    if option is None or isinstance(option.value, Mapping):
        return option.value if option is not None else {}
    parts = (part.split("=", 1) for part in str(option.value).replace(" ", "").split(","))
    return {part[0]: part[1] for part in parts if len(part) == 2}


def _layers(options: Options, step: Training, life: Life) -> None:
    linear, modules = options.flag("lora_target_linear"), options.words("lora_target_modules")
    if linear is not None and linear.value:
        if modules is not None:
            life.drafting.leave(modules.origin, "are among all linear layers")
        step.set("tuner.target_modules", Said(("all-linear",), linear.origin))
        return
    if modules is not None:
        set_layers(modules, step, None)
        return
    source = str(life.drafting.value(("base", "model")) or "")
    model = known_model(source.split("://", 1)[-1].split("@")[0], source)
    family = family_of(model.model_type if model else None)
    if family is not None:
        why = f"peft's choice for {family.model_type} when nothing is said"
        step.set("tuner.target_modules", Said(family.lora_modules, why))
    else:
        life.drafting.assume("lora_target_modules", "peft chooses layers by model; here all linear layers learn")
        step.set("tuner.target_modules", Said(("all-linear",), "nothing is said"))
